-- agent_runs: CTEs: the runs of one agent in a period, each with the key of its group (by) and its main model (arithmetic/main_models).
-- parameters: workspace; since, until (start of the run); agent_name; agent_version, tenant (empty = any); by (total |
--   version | tenant | model; agent: versions, of any agent; what stands behind such a word is for who reads the runs).
-- columns: those of run_economics, main_model, key, is_costed (the cost of the run is known wholly), is_told (and what was recorded of
--   it has rates: so is its margin), is_inclusive_costed, is_inclusive_told (the same of it and of all runs below it).
@include arithmetic/main_models,
agent_runs AS
(
    SELECT
        e.*,
        m.main_model AS main_model,
        multiIf(
            startsWith({by:String}, 'version') OR {by:String} = 'agent', e.agent_version,
            startsWith({by:String}, 'tenant'), e.tenant,
            startsWith({by:String}, 'model'), m.main_model,
            'total'
        ) AS key,
        e.cost_usd IS NOT NULL AND e.unpriced_attempts = 0 AS is_costed,
        is_costed AND e.unconverted_records = 0 AS is_told,
        e.inclusive_cost_usd IS NOT NULL AND e.inclusive_unpriced_attempts = 0 AS is_inclusive_costed,
        is_inclusive_costed AND e.inclusive_unconverted_records = 0 AS is_inclusive_told
    FROM run_economics AS e
    LEFT ANY JOIN main_models AS m ON m.trace_id = e.trace_id AND m.run_id = e.run_id
    WHERE e.workspace = {workspace:String}
        AND e.started_at >= {since:DateTime64(9)}
        AND e.started_at < {until:DateTime64(9)}
        AND ({by:String} = 'agent' OR e.agent_name = {agent_name:String})
        AND ({agent_version:String} = '' OR e.agent_version = {agent_version:String})
        AND ({tenant:String} = '' OR e.tenant = {tenant:String})
)
