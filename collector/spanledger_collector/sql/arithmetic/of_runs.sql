-- of_runs: a condition: attempts of runs of an agent that started in a period, so that they are of the same runs as its cost and value.
-- parameters: workspace; agent_name; since, until (start of the run, until exclusive). An attempt starts after its run, but for clocks of
--   other machines: months before are not read.
started_at >= {since:DateTime64(9)} - INTERVAL 1 DAY
AND (trace_id, run_id) IN (
    SELECT trace_id, run_id
    FROM runs FINAL
    WHERE workspace = {workspace:String}
        AND agent_name = {agent_name:String}
        AND started_at >= {since:DateTime64(9)}
        AND started_at < {until:DateTime64(9)}
)
