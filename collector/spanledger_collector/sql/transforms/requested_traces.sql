-- requested_traces: the next traces of a request to settle again, in their own order, with the spans that arrived of each (copies too).
-- grain: one row a trace. parameters: as the row of settle_requests has them; limit = most traces.
SELECT
    workspace,
    trace_id,
    sum(spans) AS span_count
FROM arrivals
WHERE (workspace, trace_id) IN (
    SELECT DISTINCT
        workspace,
        trace_id
    FROM arrivals
    WHERE workspace >= {after_workspace:String}
        AND (workspace > {after_workspace:String} OR trace_id > {after_trace:String})
        AND ({workspace:String} = '' OR workspace = {workspace:String})
        AND ({of_trace:String} = '' OR trace_id = {of_trace:String})
        AND day BETWEEN {first_day:Date} AND {last_day:Date}
    ORDER BY
        workspace,
        trace_id
    LIMIT {limit:UInt32}
)
GROUP BY
    workspace,
    trace_id
ORDER BY
    workspace,
    trace_id
