-- settling: the traces each settlement works on; a parameter of the transforms that may be thousands of rows long.
-- grain: one row a (settlement, trace); of use only while that settlement runs, forgotten after a day.
CREATE TABLE IF NOT EXISTS settling
(
    version UInt64 COMMENT 'The settlement',
    workspace String COMMENT 'Whose ledger',
    trace_id String COMMENT '32 hex digits',
    asked_at DateTime DEFAULT now() COMMENT 'When'
)
ENGINE = MergeTree
ORDER BY (version, workspace, trace_id)
TTL asked_at + INTERVAL 1 DAY;
