-- asked_options: CTEs: what arithmetic/run_options reads, of the runs of an agent in a period.
-- parameters: workspace; agent_name (empty = any); since, until (start of the run, until exclusive).
-- What belongs to a run begins after it does, but for clocks of other machines: what is older is not read.
asked_runs AS
(
    SELECT *
    FROM run_economics
    WHERE workspace = {workspace:String}
        AND agent_name != ''
        AND ({agent_name:String} = '' OR agent_name = {agent_name:String})
        AND started_at >= {since:DateTime64(9)}
        AND started_at < {until:DateTime64(9)}
),
asked_attempts AS
(
    SELECT *, model_key
    FROM attempts FINAL
    WHERE workspace = {workspace:String}
        AND ({agent_name:String} = '' OR agent_name = {agent_name:String})
        AND started_at >= {since:DateTime64(9)} - INTERVAL 1 DAY
),
asked_spans AS
(
    SELECT workspace, trace_id, span_id, gpu_count
    FROM spans
    WHERE workspace = {workspace:String} AND gpu_count > 0 AND started_at >= {since:DateTime64(9)} - INTERVAL 1 DAY
),
asked_shares AS
(
    SELECT *
    FROM gpu_shares FINAL
    WHERE workspace = {workspace:String} AND window_start >= {since:DateTime64(9)} - INTERVAL 1 DAY
)
