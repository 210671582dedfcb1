-- cost_paths: where the money goes, by who called whom: agent, tool, sub-agent, its tool, model, summed at every step, beside the same of an
--   earlier period: the frames of the cost flame graph.
-- parameters: workspace; since, until (start of the call, until exclusive); since_before, until_before (the earlier period; left out =
--   none); agent_name, agent_version, tenant (empty = any): whose attempts, wherever their agent stands in the path.
-- grain: one row a path from the outermost agent: depth 0 = all, then agents and the tools by which they called, to what was paid. A path
--   includes all below it; those with nothing below sum to the whole. Shorter ones first, most expensive first. units: USD, 12 decimals; ratios.
-- columns: depth, kinds (of each step: agent | tool | model | tool_price | person | expense | loading), names (of each step; empty = outside any
--   agent, no model told, the price of the tool itself), attempts, unpriced_attempts, cost_usd (NULL = none known), cost_ratio (of all; NULL
--   where nothing was paid, or credits leave nothing; above 1 where they leave less than that), before_attempts, before_unpriced_attempts, before_cost_usd, change_usd (cost_usd - before_cost_usd, as
--   change_is says: of a period without attempts the cost is 0; NULL where one of the two costs is not known at all, or both not wholly),
--   change_is (exact | at_least, where now | at_most, where before there are attempts of unknown cost; empty = it is not known).
SELECT
    length(path) AS depth,
    path.1 AS kinds,
    path.2 AS names,
    sum(leaves.attempts) AS attempts,
    sum(leaves.unpriced_attempts) AS unpriced_attempts,
    sum(leaves.cost_usd) AS cost_usd,
    toFloat64(cost_usd) / nullIf(greatest(toFloat64(maxIf(cost_usd, depth = 0) OVER ()), 0), 0) AS cost_ratio,
    sum(leaves.before_attempts) AS before_attempts,
    sum(leaves.before_unpriced_attempts) AS before_unpriced_attempts,
    sum(leaves.before_cost_usd) AS before_cost_usd,
    CAST(if(change_is = '', NULL, ifNull(cost_usd, 0) - ifNull(before_cost_usd, 0)) AS Nullable(Decimal(38, 12))) AS change_usd,
    multiIf(
        attempts > 0 AND cost_usd IS NULL OR before_attempts > 0 AND before_cost_usd IS NULL, '',
        unpriced_attempts > 0 AND before_unpriced_attempts > 0, '',
        unpriced_attempts > 0, 'at_least',
        before_unpriced_attempts > 0, 'at_most',
        'exact'
    ) AS change_is
FROM
(
    SELECT
        @include arithmetic/path_steps of=paid
        AS steps,
        paid.attempts AS attempts,
        paid.unpriced_attempts AS unpriced_attempts,
        paid.cost_usd AS cost_usd,
        paid.before_attempts AS before_attempts,
        paid.before_unpriced_attempts AS before_unpriced_attempts,
        paid.before_cost_usd AS before_cost_usd
    FROM
    (
        SELECT
            a.called_by AS called_by,
            a.agent_name AS agent_name,
            a.tool_name AS tool_name,
            a.tool_in_run AS tool_in_run,
            a.operation AS operation,
            a.model_key AS model_key,
            countIf(a.is_now) AS attempts,
            countIf(a.is_now AND a.price_status IN ('unpriced', 'partial', 'unmetered')) AS unpriced_attempts,
            sumIf(a.cost_usd, a.is_now) AS cost_usd,
            countIf(a.is_before) AS before_attempts,
            countIf(a.is_before AND a.price_status IN ('unpriced', 'partial', 'unmetered')) AS before_unpriced_attempts,
            sumIf(a.cost_usd, a.is_before) AS before_cost_usd
        FROM
        (
            SELECT
                called_by,
                agent_name,
                tool_name,
                tool_in_run,
                operation,
                model_key,
                price_status,
                cost_usd,
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
            called_by,
            agent_name,
            tool_name,
            tool_in_run,
            operation,
            model_key
    ) AS paid
) AS leaves
ARRAY JOIN arrayMap(n -> arraySlice(leaves.steps, 1, n), range(length(leaves.steps) + 1)) AS path
GROUP BY path
ORDER BY
    depth,
    cost_usd DESC NULLS LAST,
    before_cost_usd DESC NULLS LAST,
    kinds,
    names;
