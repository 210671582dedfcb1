-- export_runs: every run of a period, oldest first, for export.
-- parameters: workspace; since, until (start of the run, until exclusive).
-- grain: one row a run. columns: those of the view run_economics.
SELECT *
FROM run_economics
WHERE workspace = {workspace:String}
    AND started_at >= {since:DateTime64(9)}
    AND started_at < {until:DateTime64(9)}
ORDER BY
    started_at,
    trace_id,
    run_id;
