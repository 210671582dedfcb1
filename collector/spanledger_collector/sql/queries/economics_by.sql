-- economics_by: what runs cost, earned and took, in one sum or by day, agent, version or tenant: the figures of the overview, which asks
--   for four of them at once.
-- parameters: workspace; since, until (start of the run, until exclusive); agent_name, agent_version, tenant (empty = any); by (total |
--   day | agent | version | tenant; overview = all of these but version).
-- grain: one row a kind and key: days in order of time, else most expensive first; none where nothing ran. units: USD, 12 decimals;
--   nanoseconds (_ns); tokens; ratios 0..1.
-- columns: kind (total | day | agent | version | tenant), key (the day as 2026-11-02; total), runs, successful_runs, failed_runs, success_ratio, calls, attempts, retries,
--   input_tokens, output_tokens, cost_usd (variable cost of the runs themselves: sums to the ledger), rework_cost_usd,
--   rework_cost_ratio (of cost_usd; NULL where nothing was paid), estimated_cost_usd, amortized_cost_usd, total_cost_usd, value_usd
--   (NULL = nobody said), margin_usd, valued_runs, total_cost_per_run_usd, total_cost_per_success_usd (NULL where none succeeded),
--   unpriced_attempts (their cost is unknown: the sums are lower bounds when > 0), known_cost_ratio, p50_duration_ns,
--   p95_duration_ns, p50_ttft_ns.
SELECT
    scope.1 AS kind,
    scope.2 AS key,
    count() AS runs,
    sum(r.succeeded) AS successful_runs,
    runs - successful_runs AS failed_runs,
    successful_runs / runs AS success_ratio,
    sum(r.calls) AS calls,
    sum(r.attempts) AS attempts,
    sum(r.retries) AS retries,
    sum(r.input_tokens) AS input_tokens,
    sum(r.output_tokens) AS output_tokens,
    sum(r.cost_usd) AS cost_usd,
    sum(r.rework_cost_usd) AS rework_cost_usd,
    toFloat64(ifNull(rework_cost_usd, 0)) / nullIf(toFloat64(cost_usd), 0) AS rework_cost_ratio,
    sum(r.estimated_cost_usd) AS estimated_cost_usd,
    sum(r.amortized_cost_usd) AS amortized_cost_usd,
    sum(r.total_cost_usd) AS total_cost_usd,
    sum(r.value_usd) AS value_usd,
    CAST(value_usd - total_cost_usd AS Nullable(Decimal(38, 12))) AS margin_usd,
    countIf(r.value_usd IS NOT NULL) AS valued_runs,
    CAST(roundBankers(toDecimal256(total_cost_usd, 24) / runs, 12) AS Nullable(Decimal(38, 12))) AS total_cost_per_run_usd,
    CAST(
        roundBankers(toDecimal256(total_cost_usd, 24) / nullIf(successful_runs, 0), 12) AS Nullable(Decimal(38, 12))
    ) AS total_cost_per_success_usd,
    sum(r.unpriced_attempts) AS unpriced_attempts,
    if(attempts = 0, 1., 1. - unpriced_attempts / attempts) AS known_cost_ratio,
    quantileExact(0.5)(r.duration_ns) AS p50_duration_ns,
    quantileExact(0.95)(r.duration_ns) AS p95_duration_ns,
    quantileExactIf(0.5)(r.ttft_ns, r.ttft_ns > 0) AS p50_ttft_ns
FROM run_economics AS r
ARRAY JOIN
    arrayFilter(
        s -> s.1 = {by:String} OR ({by:String} = 'overview' AND s.1 != 'version'),
        [
            ('total', 'total'),
            ('day', toString(toDate(r.started_at, 'UTC'))),
            ('agent', r.agent_name),
            ('version', r.agent_version),
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
