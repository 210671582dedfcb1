-- agent_mix: what the runs of one agent are made of, by group: two groups of another mix differ for that alone.
-- parameters: workspace; agent_name; agent_version, tenant (empty = any); since, until (start of the run or call, until exclusive);
--   by (total | version | tenant | model: what a group is).
-- grain: one row a group, dimension and member, largest first. units: runs; of the dimension model, calls.
-- The runs are read once: by model each pass over them reads the attempts of the agent as well.
-- columns: key (the group), dimension (tenant | version | model; not the one that the groups are made by), member, weight.
WITH
    @include arithmetic/agent_runs
SELECT
    key,
    dimension,
    member,
    weight
FROM
(
    SELECT key, told.1 AS dimension, told.2 AS member, sum(runs) AS weight
    FROM
    (
        SELECT key, r.tenant AS tenant, r.agent_version AS agent_version, count() AS runs
        FROM agent_runs AS r
        GROUP BY key, tenant, agent_version
    )
    ARRAY JOIN [('tenant', toString(tenant)), ('version', toString(agent_version))] AS told
    WHERE dimension != {by:String}
    GROUP BY key, dimension, member
    UNION ALL
    SELECT
        multiIf({by:String} = 'version', a.agent_version, {by:String} = 'tenant', a.tenant, 'total') AS key,
        'model' AS dimension,
        a.model_key AS member,
        countIf(a.outcome != 'retried') AS weight
    FROM attempts AS a FINAL
    WHERE {by:String} != 'model'
        AND a.workspace = {workspace:String}
        AND a.agent_name = {agent_name:String}
        AND ({agent_version:String} = '' OR a.agent_version = {agent_version:String})
        AND ({tenant:String} = '' OR a.tenant = {tenant:String})
        AND a.started_at >= {since:DateTime64(9)}
        AND a.started_at < {until:DateTime64(9)}
        AND a.counted
        AND a.operation NOT IN ('execute_tool', 'effort', 'expense', 'load_model')
    GROUP BY key, member
)
ORDER BY
    key,
    dimension,
    weight DESC,
    member;
