-- gpu_pools: whose the bill of a pool of GPUs of one's own is. Calls of other workspaces carry their shares in their own ledgers.
-- grain: one row a pool, newest version wins. A pool without a row is of the workspace default.
CREATE TABLE IF NOT EXISTS gpu_pools
(
    pool String COMMENT 'Of GPUs, as the operator calls it',
    workspace String COMMENT 'Who reads its bill',
    version UInt64 COMMENT 'Newest wins'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY pool
SETTINGS fsync_after_insert = 1;
