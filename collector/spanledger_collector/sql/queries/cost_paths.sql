-- cost_paths: where the money goes, by agent, tool and model, summed at every level, beside the same of an earlier period: the frames of
--   the cost flame graph.
-- parameters: workspace; since, until (start of the call, until exclusive); since_before, until_before (the earlier period; left out =
--   none); agent_name, agent_version, tenant (empty = any).
-- grain: one row a path: depth 0 = all, 1 = agent, 2 = agent and nearest tool, 3 = with the model (a tool, an expense or a person's time:
--   what was paid). Level by level, most expensive first. units: USD, 12 decimals; ratios.
-- columns: depth, agent_name, tool_name, model (empty below its depth, or where there is none), attempts, unpriced_attempts, cost_usd
--   (NULL = none known), cost_ratio (of all; NULL where nothing was paid), before_cost_usd, change_usd (cost_usd - before_cost_usd, unknown
--   counted as 0 where the other is known).
SELECT
    toUInt8(3 - grouping(paths.agent_name) - grouping(paths.tool_name) - grouping(paths.model)) AS depth,
    agent_name,
    tool_name,
    model,
    sum(paths.attempts) AS attempts,
    sum(paths.unpriced_attempts) AS unpriced_attempts,
    sum(paths.cost_usd) AS cost_usd,
    toFloat64(cost_usd) / nullIf(toFloat64(max(cost_usd) OVER ()), 0) AS cost_ratio,
    sum(paths.before_cost_usd) AS before_cost_usd,
    CAST(
        if(cost_usd IS NULL AND before_cost_usd IS NULL, NULL, ifNull(cost_usd, 0) - ifNull(before_cost_usd, 0)) AS Nullable(Decimal(38, 12))
    ) AS change_usd
FROM
(
    SELECT
        a.agent_name AS agent_name,
        a.tool_name AS tool_name,
        multiIf(
            a.operation IN ('execute_tool', 'effort', 'expense', 'load_model'), toString(a.operation),
            a.priced_model != '', a.priced_model,
            a.response_model != '', a.response_model,
            a.request_model
        ) AS model,
        countIf(a.is_now) AS attempts,
        countIf(a.is_now AND a.price_status IN ('unpriced', 'partial', 'unmetered')) AS unpriced_attempts,
        sumIf(a.cost_usd, a.is_now) AS cost_usd,
        sumIf(a.cost_usd, a.is_before) AS before_cost_usd
    FROM
    (
        SELECT
            *,
            started_at >= {since:DateTime64(9)} AND started_at < {until:DateTime64(9)} AS is_now,
            started_at >= {since_before:DateTime64(9)} AND started_at < {until_before:DateTime64(9)} AS is_before
        FROM attempts FINAL
        WHERE workspace = {workspace:String}
            AND started_at >= least({since:DateTime64(9)}, {since_before:DateTime64(9)})
            AND ({agent_name:String} = '' OR agent_name = {agent_name:String})
            AND ({agent_version:String} = '' OR agent_version = {agent_version:String})
            AND ({tenant:String} = '' OR tenant = {tenant:String})
            AND counted
            AND (is_now OR is_before)
    ) AS a
    GROUP BY
        agent_name,
        tool_name,
        model
) AS paths
GROUP BY
    GROUPING SETS
    (
        (),
        (agent_name),
        (agent_name, tool_name),
        (agent_name, tool_name, model)
    )
HAVING count() > 0
ORDER BY
    depth,
    cost_usd DESC NULLS LAST,
    before_cost_usd DESC NULLS LAST,
    agent_name,
    tool_name,
    model
-- The month is part of the key of attempts: a row and what supersedes it are in one partition.
SETTINGS do_not_merge_across_partitions_select_final = 1;
