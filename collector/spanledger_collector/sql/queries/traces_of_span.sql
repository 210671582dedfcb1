-- traces_of_span: in which traces there is a span of this id (ids of spans are unique within a trace only).
-- parameters: workspace; span_id (16 hex digits, lower case); limit.
-- grain: one row a trace. units: none.
-- columns: trace_id, started_at (of the first attempt of the span).
SELECT
    trace_id,
    min(a.started_at) AS started_at
FROM attempts AS a FINAL
WHERE workspace = {workspace:String} AND span_id = {span_id:String}
GROUP BY trace_id
ORDER BY
    started_at DESC,
    trace_id
LIMIT {limit:UInt64};
