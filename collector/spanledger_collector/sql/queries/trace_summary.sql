-- trace_summary: what one trace cost.
-- parameters: workspace; trace_id (32 hex digits, lower case).
-- grain: one row, none when the trace is unknown. columns: those of the view trace_cost.
SELECT *
FROM trace_cost
WHERE workspace = {workspace:String} AND trace_id = {trace_id:String};
