-- gpu_pool_owners: whose the bill of each pool is, as it was written last. grain: one row a pool.
SELECT pool, workspace
FROM gpu_pools FINAL
ORDER BY pool
