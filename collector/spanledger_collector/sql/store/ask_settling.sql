-- ask_settling: asks for traces to be settled again. grain: one row, the request; none where there is no such trace. units: traces.
-- parameters: request_id; workspace, of_trace (empty = any); first_day, last_day (of their spans, both included); reason; version.
INSERT INTO settle_requests (request_id, workspace, of_trace, first_day, last_day, reason, asked_at, traces, version)
SELECT
    {request_id:String},
    {workspace:String},
    {of_trace:String},
    {first_day:Date},
    {last_day:Date},
    {reason:String},
    now64(3),
    uniqExact(sipHash64(workspace, trace_id)),
    {version:UInt64}
FROM arrivals
WHERE ({workspace:String} = '' OR workspace = {workspace:String})
    AND ({of_trace:String} = '' OR trace_id = {of_trace:String})
    AND day BETWEEN {first_day:Date} AND {last_day:Date}
HAVING count() > 0
