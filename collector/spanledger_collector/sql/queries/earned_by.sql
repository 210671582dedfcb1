-- earned_by: what the runs of each agent and tenant earned in a window, and all together: what alerts on value are held against.
-- parameters: workspace; since, until (start of the run, until exclusive).
-- grain: (per, key); per = workspace | agent | tenant, key = its name (empty: of no agent or tenant; the workspace). units: USD.
-- columns: per, key, runs, successful_runs, failed_runs (the rest ran outside any agent and ended without an
--   error: nobody said that it succeeded, arithmetic/won), total_cost_usd (of the runs themselves, shares of assets included), value_usd (NULL = nobody said,
--   or an amount has no rate),
--   margin_usd (value less total cost; NULL where either is unknown), inclusive_total_cost_usd (of an agent with all runs below its own, as
--   in agent_unit_economics; of a tenant and of the workspace, whose runs below are among their runs already, the same as without the
--   prefix), inclusive_value_usd, inclusive_margin_usd, top_successful_runs, top_failed_runs (of agents that no agent called: what a tenant asked for, arithmetic/asked_for),
--   successes, failures (of an agent its runs'; of a tenant and of the workspace those that were asked for: what a success rate is of),
--   inclusive_cost_per_success_usd (inclusive total cost / successes, for a sub-agent's success is no further success of who asked, and a workflow around it is none; NULL = none),
--   inclusive_uncosted_runs (their inclusive cost is not wholly known: above 0 it and the cost per success are lower bounds, and the
--   margin an upper one).
SELECT
    scope.1 AS per,
    scope.2 AS key,
    sum(grouped.runs) AS runs,
    sum(grouped.successful_runs) AS successful_runs,
    sum(grouped.failed_runs) AS failed_runs,
    sum(grouped.total_cost_usd) AS total_cost_usd,
    if(sum(grouped.unconverted) > 0, NULL, sum(grouped.value_usd)) AS value_usd,
    CAST(value_usd - total_cost_usd AS Nullable(Decimal(38, 12))) AS margin_usd,
    sum(if(per = 'agent', grouped.inclusive_total_cost_usd, grouped.total_cost_usd)) AS inclusive_total_cost_usd,
    if(
        sum(if(per = 'agent', grouped.inclusive_unconverted, grouped.unconverted)) > 0,
        NULL,
        sum(if(per = 'agent', grouped.inclusive_value_usd, grouped.value_usd))
    ) AS inclusive_value_usd,
    CAST(inclusive_value_usd - inclusive_total_cost_usd AS Nullable(Decimal(38, 12))) AS inclusive_margin_usd,
    sum(grouped.top_successful_runs) AS top_successful_runs,
    sum(grouped.top_failed_runs) AS top_failed_runs,
    if(per = 'agent', successful_runs, top_successful_runs) AS successes,
    if(per = 'agent', failed_runs, top_failed_runs) AS failures,
    CAST(
        roundBankers(
            toDecimal256(inclusive_total_cost_usd, 24) / nullIf(successes, 0), 12
        ) AS Nullable(Decimal(38, 12))
    ) AS inclusive_cost_per_success_usd,
    sum(if(per = 'agent', grouped.inclusive_uncosted, grouped.uncosted)) AS inclusive_uncosted_runs
FROM
(
    SELECT
        agent_name,
        tenant,
        count() AS runs,
        countIf(
            @include arithmetic/won
        ) AS successful_runs,
        countIf(NOT r.succeeded) AS failed_runs,
        @include arithmetic/results_asked_for,
        sum(r.total_cost_usd) AS total_cost_usd,
        sum(r.value_usd) AS value_usd,
        sum(r.unconverted_records) AS unconverted,
        sum(r.inclusive_unconverted_records) AS inclusive_unconverted,
        sum(r.inclusive_total_cost_usd) AS inclusive_total_cost_usd,
        sum(r.inclusive_value_usd) AS inclusive_value_usd,
        countIf(r.cost_usd IS NULL OR r.unpriced_attempts > 0) AS uncosted,
        countIf(r.inclusive_cost_usd IS NULL OR r.inclusive_unpriced_attempts > 0) AS inclusive_uncosted
    FROM run_economics AS r
    WHERE r.workspace = {workspace:String}
        AND r.started_at >= {since:DateTime64(9)}
        AND r.started_at < {until:DateTime64(9)}
    GROUP BY
        agent_name,
        tenant
) AS grouped
ARRAY JOIN
    [('workspace', ''), ('agent', grouped.agent_name), ('tenant', grouped.tenant)] AS scope
GROUP BY
    per,
    key
ORDER BY
    per,
    key;
