-- trace_runs: the runs of one trace, in order of their start.
-- parameters: workspace; trace_id (32 hex digits, lower case).
-- grain: one row a run. columns: those of the view run_economics (as in the query runs).
SELECT *
FROM run_economics
WHERE workspace = {workspace:String} AND trace_id = {trace_id:String}
ORDER BY
    started_at,
    parent_run_id != '',
    run_id;
