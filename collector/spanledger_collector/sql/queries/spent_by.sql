-- spent_by: what each agent, tenant and model cost in a window, and all together: what budgets and alerts are held against.
-- parameters: workspace; since, until (start of the call, until exclusive).
-- grain: (per, key); per = workspace | agent | tenant | model, key = its name (empty: of no agent or tenant; the workspace). units: USD.
-- columns: per, key, attempts, failed_attempts, refused_calls (those that a budget of the process refused), unknown_attempts (cost not
--   known), unknown_work_attempts (of them, without those that judged or guarded), unknown_rework_attempts (of these wasted), cost_usd (NULL where none of it is known), work_cost_usd (without what judged or guarded), rework_cost_usd (part of that),
--   rework_cost_ratio, rework_multiplier (arithmetic/rework_share).
SELECT
    scope.1 AS per,
    scope.2 AS key,
    sum(grouped.attempts) AS attempts,
    sum(grouped.failed_attempts) AS failed_attempts,
    sum(grouped.refused_calls) AS refused_calls,
    sum(grouped.unknown_attempts) AS unknown_attempts,
    sum(grouped.unknown_work_attempts) AS unknown_work_attempts,
    sum(grouped.unknown_rework_attempts) AS unknown_rework_attempts,
    sum(grouped.cost_usd) AS cost_usd,
    sum(grouped.work_cost_usd) AS work_cost_usd,
    sum(grouped.rework_cost_usd) AS rework_cost_usd,
    @include arithmetic/rework_share of=work_cost_usd
FROM
(
    SELECT
        agent_name,
        tenant,
        a.model_key AS model,
        count() AS attempts,
        countIf(a.outcome != 'ok') AS failed_attempts,
        countIf(a.error_type = 'BudgetExceededError' AND a.usage_source = 'none') AS refused_calls,
        countIf(a.price_status IN ('unpriced', 'partial', 'unmetered')) AS unknown_attempts,
        countIf(a.price_status IN ('unpriced', 'partial', 'unmetered') AND a.purpose = 'work') AS unknown_work_attempts,
        countIf(a.price_status IN ('unpriced', 'partial', 'unmetered') AND a.rework_reason != '') AS unknown_rework_attempts,
        sum(a.cost_usd) AS cost_usd,
        sumIf(a.cost_usd, a.purpose = 'work') AS work_cost_usd,
        sumIf(a.cost_usd, a.rework_reason != '') AS rework_cost_usd
    FROM attempts AS a FINAL
    WHERE a.workspace = {workspace:String}
        AND a.counted
        AND a.started_at >= {since:DateTime64(9)}
        AND a.started_at < {until:DateTime64(9)}
    GROUP BY
        agent_name,
        tenant,
        model
) AS grouped
ARRAY JOIN
    [('workspace', ''), ('agent', grouped.agent_name), ('tenant', grouped.tenant), ('model', grouped.model)] AS scope
GROUP BY
    per,
    key
ORDER BY
    per,
    key;
