-- runs: the newest runs.
-- parameters: workspace; since, until (start of the run, until exclusive); agent_name (empty = any); limit.
-- grain: one row a run, newest first. columns: those of the view run_economics.
SELECT *
FROM run_economics
WHERE workspace = {workspace:String}
    AND started_at >= {since:DateTime64(9)}
    AND started_at < {until:DateTime64(9)}
    AND ({agent_name:String} = '' OR agent_name = {agent_name:String})
ORDER BY
    started_at DESC,
    trace_id,
    run_id
LIMIT {limit:UInt32};
