-- told_twice: agents' spans whose execution another span inside them tells too, by another instrumentation; of use only while that
--   settlement runs, soon forgotten. grain: one row a (settlement, outer span).
CREATE TABLE IF NOT EXISTS told_twice
(
    version UInt64 COMMENT 'The settlement',
    workspace String COMMENT 'Whose ledger',
    trace_id String COMMENT '32 hex digits',
    span_id String COMMENT 'The outer span',
    inner_run String COMMENT 'The run that both are of: that of the inner span',
    found_at DateTime DEFAULT now() COMMENT 'When the settlement found it'
)
ENGINE = MergeTree
PARTITION BY version
ORDER BY (workspace, trace_id, span_id)
TTL found_at + INTERVAL 10 MINUTE
SETTINGS ttl_only_drop_parts = 1, merge_with_ttl_timeout = 60;
