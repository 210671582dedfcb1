-- gpu_windows: the bill of GPUs of one's own, by pool and stretch of time: whose it was, what loading took, what was idle.
-- grain: one row a (pool, window_start); a window is closed again when a late call changes it, newest version wins, is_deleted rows vanish.
-- units: GPU-seconds with 9 decimals, USD with 12. attributed + load + idle = billed, exactly, in both.
CREATE TABLE IF NOT EXISTS gpu_windows
(
    pool String COMMENT 'Of GPUs, as the operator calls it; its rate is provider gpu and this model in prices',
    window_start DateTime64(3, 'UTC') COMMENT 'Inclusive',
    window_end DateTime64(3, 'UTC') COMMENT 'Exclusive',
    gpus UInt16 COMMENT 'GPUs billed',
    gpu_model LowCardinality(String) COMMENT 'Of the catalogue; empty = not told',
    model String COMMENT 'Architecture that it serves; empty = not told',
    watts UInt32 COMMENT 'Power limit of one GPU; 0 = not known',
    attribution LowCardinality(String) COMMENT 'roofline_sliced | roofline_global | wall_over_n: how time was shared out',
    calls UInt32 COMMENT 'Calls that were served in it',
    billed_gpu_seconds Decimal(38, 9) COMMENT 'GPUs x time',
    attributed_gpu_seconds Decimal(38, 9) COMMENT 'Some call was served',
    load_gpu_seconds Decimal(38, 9) COMMENT 'Loading the model: cold starts',
    idle_gpu_seconds Decimal(38, 9) COMMENT 'Nobody was served',
    price_id String COMMENT 'Row of prices; empty = no rate is known',
    billed_usd Nullable(Decimal(38, 12)) COMMENT 'NULL = no rate is known',
    attributed_usd Nullable(Decimal(38, 12)) COMMENT 'Sum of its shares',
    waste_usd Nullable(Decimal(38, 12)) COMMENT 'Part of attributed_usd: computing preempted work again',
    load_usd Nullable(Decimal(38, 12)) COMMENT 'Cold starts',
    idle_usd Nullable(Decimal(38, 12)) COMMENT 'Of no call',
    fingerprint UInt64 COMMENT 'Of the calls and of what the pool was: closed again when it changes',
    closed_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') COMMENT 'When',
    version UInt64 COMMENT 'Newest wins',
    is_deleted UInt8 COMMENT '1 = there is no such window any more'
)
ENGINE = ReplacingMergeTree(version, is_deleted)
ORDER BY (pool, window_start)
SETTINGS fsync_after_insert = 1;
