-- pool_loads: spans of loading a model in an application's process, that lasted into a stretch of time. One on a device with a rate of its own
--   is an entry of the ledger and no part of a pool's bill.
-- grain: one row a span. parameters: since, until (as DateTime64), providers (joined by newlines).
SELECT *
FROM spans
WHERE operation = 'load_model' AND ended_at > started_at AND started_at < {until:DateTime64(3)} AND ended_at > {since:DateTime64(3)}
    AND started_at > {since:DateTime64(3)} - INTERVAL 1 DAY AND provider IN splitByChar('\n', {providers:String})
    AND gpu_model NOT IN (SELECT model FROM prices WHERE provider = 'gpu')
ORDER BY sequence
LIMIT 1 BY workspace, trace_id, span_id
