-- gpu_shares: what each call carries of the bill of a window of GPUs of one's own. Settling puts the sum on its attempt.
-- grain: (workspace, trace_id, span_id, pool, window_start); newest version wins, is_deleted rows vanish.
-- units: GPU-seconds with 9 decimals, USD with 12.
CREATE TABLE IF NOT EXISTS gpu_shares
(
    workspace String COMMENT 'Whose ledger',
    trace_id String COMMENT '32 hex digits',
    span_id String COMMENT '16 hex digits',
    pool String COMMENT 'Of GPUs',
    window_start DateTime64(3, 'UTC') COMMENT 'Of which window it is a share',
    gpu_seconds Decimal(38, 9) COMMENT 'Its time',
    cost_usd Nullable(Decimal(38, 12)) COMMENT 'Its money; NULL = no rate is known',
    waste_usd Nullable(Decimal(38, 12)) COMMENT 'Part of it: computing preempted work again',
    error Decimal(9, 6) COMMENT 'How far it may be off, as a share of itself',
    attribution LowCardinality(String) COMMENT 'roofline_sliced | roofline_global | wall_over_n',
    version UInt64 COMMENT 'Newest wins',
    is_deleted UInt8 COMMENT '1 = it is no longer a share of the window'
)
ENGINE = ReplacingMergeTree(version, is_deleted)
ORDER BY (workspace, trace_id, span_id, pool, window_start)
SETTINGS fsync_after_insert = 1;
