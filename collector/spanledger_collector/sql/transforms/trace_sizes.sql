-- trace_sizes: how many spans arrived of each of the given traces, over all journals; decides how many fit in one step.
-- grain: one row a trace that has spans. parameters: version; the traces are in settling.
SELECT
    workspace,
    trace_id,
    sum(spans) AS span_count
FROM arrivals
WHERE (workspace, trace_id) IN (SELECT workspace, trace_id FROM settling WHERE version = {version:UInt64})
GROUP BY
    workspace,
    trace_id
ORDER BY
    workspace,
    trace_id
