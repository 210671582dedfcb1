-- cost_by_path: where the money goes, by day and by who called whom (agent, tool, sub-agent, its tool, model), at every step with all below:
--   the frames of a flame graph. What ends at a step sums to the ledger by self_cost_usd; cost_usd counts a cent at each step on its way.
-- grain: (workspace, day of the start, tenant, agent_name, agent_version, steps). units: USD, 12 decimals.
-- columns:
--   agent_name, agent_version   of the attempts, wherever their agent stands among the steps
--   steps                from the outermost agent on: kind (agent | tool | model | tool_price | person | expense | loading) and name of each
--                        (empty = outside any agent, no model told, the price of the tool itself); none = all
--   depth                how many they are
--   kind                 of the last step
--   labels               names of the steps; where one has none, what it is
--   label                the last of them
--   path                 all of them, as text
--   steps_json           kind and name of each step, as JSON: what the page of the flame graph takes as `at`
--   attempts             counted attempts of the last step and all below
--   cost_usd             of the last step and all below; NULL = none of it is known
--   self_cost_usd        part of cost_usd that ends there: 0 where nothing does; NULL = none of it is known
--   gross_cost_usd       cost_usd before credits (costs below 0): never more than that of the step above; NULL = none of it is known
--   self_gross_cost_usd  part of gross_cost_usd that ends there, as self_cost_usd
--   unpriced_attempts    attempts whose cost is unknown or partly unknown: the cost is a lower bound when above 0
CREATE OR REPLACE VIEW cost_by_path AS
SELECT
    workspace,
    day,
    tenant,
    agent_name,
    agent_version,
    steps,
    toUInt32(length(steps)) AS depth,
    steps[-1].1 AS kind,
    arrayMap(
        step -> multiIf(
            step.2 != '', step.2,
            step.1 = 'agent', '(outside any agent)',
            step.1 = 'model', '(no model)',
            step.1 = 'tool_price', '(price of the tool)',
            step.1 = 'person', '(a person)',
            step.1 = 'expense', '(an expense)',
            '(loading of a model)'
        ),
        steps
    ) AS labels,
    if(empty(labels), 'all', labels[-1]) AS label,
    arrayStringConcat(labels, ' > ') AS path,
    toJSONString(arrayMap(step -> [step.1, step.2], steps)) AS steps_json,
    sum(paid.attempts) AS attempts,
    sum(paid.cost_usd) AS cost_usd,
    CAST(
        if(countIf(length(steps) = length(paid.all_steps)) = 0, 0, sumIf(paid.cost_usd, length(steps) = length(paid.all_steps)))
        AS Nullable(Decimal(38, 12))
    ) AS self_cost_usd,
    sum(paid.gross_cost_usd) AS gross_cost_usd,
    CAST(
        if(countIf(length(steps) = length(paid.all_steps)) = 0, 0, sumIf(paid.gross_cost_usd, length(steps) = length(paid.all_steps)))
        AS Nullable(Decimal(38, 12))
    ) AS self_gross_cost_usd,
    sum(paid.unpriced_attempts) AS unpriced_attempts
FROM
(
    SELECT
        a.workspace AS workspace,
        toDate(a.started_at) AS day,
        a.tenant AS tenant,
        a.agent_name AS agent_name,
        a.agent_version AS agent_version,
        @include arithmetic/path_steps of=a
        ::Array(Tuple(kind String, name String)) AS all_steps,
        count() AS attempts,
        sum(a.cost_usd) AS cost_usd,
        sum(if(a.cost_usd < 0, toDecimal128(0, 12), a.cost_usd)) AS gross_cost_usd,
        countIf(a.price_status IN ('unpriced', 'partial', 'unmetered')) AS unpriced_attempts
    FROM attempts AS a FINAL
    WHERE a.counted
    GROUP BY
        workspace,
        day,
        tenant,
        agent_name,
        agent_version,
        all_steps
) AS paid
ARRAY JOIN arrayMap(n -> arraySlice(paid.all_steps, 1, n), range(length(paid.all_steps) + 1)) AS steps
GROUP BY
    workspace,
    day,
    tenant,
    agent_name,
    agent_version,
    steps;
