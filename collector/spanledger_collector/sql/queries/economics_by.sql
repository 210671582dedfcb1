-- economics_by: what runs cost, earned and took, in one sum or by day, agent, version or tenant: the figures of the overview, which asks
--   for four of them at once.
-- parameters: workspace; since, until (start of the run, until exclusive); agent_name, agent_version, tenant (empty = any); by (total |
--   day | agent | version | tenant | overview | agents; overview = all of these but version; agents = agent and version).
-- grain: one row a kind and key: days in order of time, else most expensive first; none where nothing ran. units: USD, 12 decimals;
--   nanoseconds (_ns); tokens; ratios 0..1.
-- What has no prefix is of the runs themselves and sums to the ledger. inclusive_*: with all runs below them (sub-agents), as in
--   agents; not to be summed. Where a row has the runs of all agents (total, day, tenant, no agent asked for) those below are among
--   its runs already: the same as without the prefix; and its successes and failures, which the success ratio is of
--   and costs per success are divided by, are those of what was asked for, runs of agents that no agent called (arithmetic/asked_for):
--   a sub-agent's success is no further success of who asked.
-- columns: kind (total | day | agent | version | tenant), key (the day as 2026-11-02; agent and version; total), agent_name, agent_version (of a row by version; empty in others), runs, successful_runs, failed_runs (the rest ran
--   outside any agent and ended without an error: nobody said that it succeeded, arithmetic/won), success_ratio (successes / successes and failures; NULL = neither), calls, attempts, retries,
--   input_tokens, output_tokens, cost_usd (variable cost of the runs themselves: sums to the ledger), rework_cost_usd,
--   work_cost_usd (cost_usd without what judged or guarded), rework_cost_ratio, rework_multiplier (arithmetic/rework_share), estimated_cost_usd, amortized_cost_usd, total_cost_usd, value_usd
--   (NULL = nobody said, or an amount has no rate), margin_usd, valued_runs, top_successful_runs, top_failed_runs (of agents that no agent called), successes, failures (of an agent or version its runs', else those: what was asked for),
--   total_cost_per_run_usd, total_cost_per_success_usd (NULL where none succeeded),
--   inclusive_total_cost_usd, inclusive_value_usd, inclusive_margin_usd, inclusive_cost_per_run_usd, inclusive_cost_per_success_usd,
--   inclusive_unpriced_attempts, unpriced_attempts (their cost is unknown: the sums are lower bounds when > 0), unknown_rework_attempts (of them wasted), known_cost_ratio,
--   p50_duration_ns, p95_duration_ns, p50_ttft_ns, inclusive_unconverted_records (amounts in a currency without a rate), unconverted_records (of them those of the runs themselves).
WITH
    scope.1 IN ('total', 'day', 'tenant') AND {agent_name:String} = '' AND {agent_version:String} = '' AS has_runs_below
SELECT
    scope.1 AS kind,
    scope.2 AS key,
    if(kind = 'version', any(r.agent_name), '') AS agent_name,
    if(kind = 'version', any(r.agent_version), '') AS agent_version,
    count() AS runs,
    countIf(
        @include arithmetic/won
    ) AS successful_runs,
    countIf(NOT r.succeeded) AS failed_runs,
    successes / nullIf(successes + failures, 0) AS success_ratio,
    sum(r.calls) AS calls,
    sum(r.attempts) AS attempts,
    sum(r.retries) AS retries,
    sum(r.input_tokens) AS input_tokens,
    sum(r.output_tokens) AS output_tokens,
    sum(r.cost_usd) AS cost_usd,
    sum(r.rework_cost_usd) AS rework_cost_usd,
    sum(r.work_cost_usd) AS work_cost_usd,
    @include arithmetic/rework_share of=work_cost_usd,
    sum(r.estimated_cost_usd) AS estimated_cost_usd,
    sum(r.amortized_cost_usd) AS amortized_cost_usd,
    sum(r.total_cost_usd) AS total_cost_usd,
    if(sum(r.unconverted_records) > 0, NULL, sum(r.value_usd)) AS value_usd,
    CAST(value_usd - total_cost_usd AS Nullable(Decimal(38, 12))) AS margin_usd,
    countIf(r.value_usd IS NOT NULL) AS valued_runs,
    @include arithmetic/results_asked_for,
    if(has_runs_below, top_successful_runs, successful_runs) AS successes,
    if(has_runs_below, top_failed_runs, failed_runs) AS failures,
    CAST(roundBankers(toDecimal256(total_cost_usd, 24) / runs, 12) AS Nullable(Decimal(38, 12))) AS total_cost_per_run_usd,
    CAST(
        roundBankers(toDecimal256(total_cost_usd, 24) / nullIf(successes, 0), 12) AS Nullable(Decimal(38, 12))
    ) AS total_cost_per_success_usd,
    if(has_runs_below, total_cost_usd, sum(r.inclusive_total_cost_usd)) AS inclusive_total_cost_usd,
    if(
        has_runs_below,
        value_usd,
        if(sum(r.inclusive_unconverted_records) > 0, NULL, sum(r.inclusive_value_usd))
    ) AS inclusive_value_usd,
    CAST(inclusive_value_usd - inclusive_total_cost_usd AS Nullable(Decimal(38, 12))) AS inclusive_margin_usd,
    CAST(roundBankers(toDecimal256(inclusive_total_cost_usd, 24) / runs, 12) AS Nullable(Decimal(38, 12))) AS inclusive_cost_per_run_usd,
    CAST(
        roundBankers(toDecimal256(inclusive_total_cost_usd, 24) / nullIf(successes, 0), 12) AS Nullable(Decimal(38, 12))
    ) AS inclusive_cost_per_success_usd,
    if(has_runs_below, unpriced_attempts, sum(r.inclusive_unpriced_attempts)) AS inclusive_unpriced_attempts,
    sum(r.unpriced_attempts) AS unpriced_attempts,
    sum(r.unknown_rework_attempts) AS unknown_rework_attempts,
    if(attempts = 0, 1., 1. - unpriced_attempts / attempts) AS known_cost_ratio,
    quantileExact(0.5)(r.duration_ns) AS p50_duration_ns,
    quantileExact(0.95)(r.duration_ns) AS p95_duration_ns,
    quantileExactIf(0.5)(r.ttft_ns, r.ttft_ns > 0) AS p50_ttft_ns,
    sum(r.inclusive_unconverted_records) AS inclusive_unconverted_records,
    sum(r.unconverted_records) AS unconverted_records
FROM run_economics AS r
ARRAY JOIN
    arrayFilter(
        s -> s.1 = {by:String} OR ({by:String} = 'overview' AND s.1 != 'version') OR ({by:String} = 'agents' AND s.1 IN ('agent', 'version')),
        [
            ('total', 'total'),
            ('day', toString(toDate(r.started_at, 'UTC'))),
            ('agent', r.agent_name),
            (
                'version',
                @include arithmetic/name_and_version name=r.agent_name version=r.agent_version
            ),
            ('tenant', r.tenant)
        ]
    ) AS scope
WHERE r.workspace = {workspace:String}
    AND r.started_at >= {since:DateTime64(9)}
    AND r.started_at < {until:DateTime64(9)}
    AND ({agent_name:String} = '' OR r.agent_name = {agent_name:String})
    AND ({agent_version:String} = '' OR r.agent_version = {agent_version:String})
    AND ({tenant:String} = '' OR r.tenant = {tenant:String})
GROUP BY
    kind,
    key
ORDER BY
    kind,
    if(kind = 'day', key, ''),
    total_cost_usd DESC NULLS LAST,
    key;
