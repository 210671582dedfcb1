-- run_keys: the traces in which a run id or an external key is, for records that name a run by it.
-- grain: (workspace, kind, key, trace_id); the first arrival says whose the key is. Derived from spans.
CREATE TABLE IF NOT EXISTS run_keys
(
    workspace String COMMENT 'Whose ledger',
    kind LowCardinality(String) COMMENT 'run | key',
    key String COMMENT 'Run id or external key',
    trace_id String COMMENT '32 hex digits',
    received_at SimpleAggregateFunction(min, DateTime64(9, 'UTC')) COMMENT 'First arrival of a span of it'
)
ENGINE = AggregatingMergeTree
ORDER BY (workspace, kind, key, trace_id)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1;
