-- agents: unit economics of each agent over a period; the row with an empty agent_name is what ran outside any agent: of that a run
--   is a success only where somebody recorded one, and no failure where nobody recorded it and it ended without an error.
-- parameters: workspace; since, until (start of the run, until exclusive); agent_name, agent_version, tenant (empty = any).
-- grain: (agent_name, agent_version), most expensive first. units: USD, tokens, nanoseconds.
-- What intervals are computed from (estimate/): means and moments of the costed runs, those whose inclusive cost is known wholly; a run
--   without a value earned 0. _variance (n - 1 below the line), _skewness (third standardised moment) and _covariance are floats, 0 where there is none.
-- columns: agent_name, agent_version, runs, traces (that they are in: where fewer, agent_traces has the moments), successful_runs, failed_runs, judged_runs (with a recorded outcome), assumed_valued_runs (successes
--   without one whose worth a value rule for a success says), calls, attempts, failed_attempts, retries, tool_calls,
--   input_tokens, output_tokens, cost_usd, cost_per_run_usd,
--   cost_per_success_usd (of the total cost, shares of assets included; NULL when no run succeeded), rework_cost_usd, estimated_cost_usd, amortized_cost_usd (shares of
--   assets), total_cost_usd (both costs), value_usd (recorded, else by value rules; NULL = of no run, or an amount has no rate), margin_usd (value less total cost of all runs),
--   valued_runs, unpriced_attempts, unknown_rework_attempts (of them wasted: rework_cost_usd is a lower bound when above 0), known_cost_ratio, inclusive_cost_usd, inclusive_rework_cost_usd, inclusive_amortized_cost_usd,
--   inclusive_total_cost_usd, inclusive_value_usd, inclusive_margin_usd, inclusive_cost_per_run_usd, inclusive_cost_per_success_usd,
--   inclusive_unpriced_attempts (the same of the runs and of all runs below them, as in the view agent_unit_economics: not to be summed
--   over agents; those without the prefix are of the agent's own runs and sum to the ledger),
--   p50_duration_ns, p95_duration_ns, p50_ttft_ns, work_cost_usd (cost_usd without what judged or guarded), rework_cost_ratio,
--   rework_multiplier (arithmetic/rework_share), rework_cheaper_usd, rework_dearer_usd, used_cheaper_usd, used_dearer_usd (by so much rework,
--   and the work that was used, is less or more by the ends of estimated usage, arithmetic/waste_ends), rework_work_variance, work_variance, rework_work_covariance (of rework and work of a run, over
--   all runs), inclusive_valued_runs, inclusive_costed_runs, inclusive_told_runs (costed, and their value has rates: of
--   these the margins), inclusive_costed_successes, inclusive_total_cost_mean_usd,
--   inclusive_total_cost_variance, inclusive_total_cost_skewness, inclusive_costed_cost_per_success_usd, inclusive_success_variance,
--   inclusive_total_cost_success_covariance, inclusive_margin_mean_usd, inclusive_margin_variance, inclusive_margin_skewness, inclusive_credited_runs (they cost less than nothing, by credits), inclusive_earning_runs, inclusive_staked_runs,
--   inclusive_margin_earning_covariance (told runs that succeeded and earned something, told runs whose value may hang on how they go, as in agent_statistics),
--   inclusive_usage_cheaper_usd, inclusive_usage_dearer_usd (by so much the variable cost of all runs is less or more by the ends of
--   estimated usage), inclusive_cheaper_usd, inclusive_dearer_usd (the total cost by these and by those of what shares assets),
--   inclusive_uncosted_runs (their cost is not wholly known), inclusive_unconverted_records (amounts in a currency without a rate),
--   success_gap_usd (by so much a success may be worth more than what was seen, arithmetic/success_gap).
WITH
    @include arithmetic/trace_ends,
    paid_by_success AS (SELECT agent_name FROM value_rules_in_force WHERE per = 'success'),
    @include arithmetic/won
    AS won,
    r.inclusive_cost_usd IS NOT NULL AND r.inclusive_unpriced_attempts = 0 AS is_costed,
    is_costed AND r.inclusive_unconverted_records = 0 AS is_told,
    ifNull(r.inclusive_total_cost_usd, 0) AS total,
    ifNull(r.inclusive_value_usd, 0) AS earned,
    toFloat64(ifNull(r.rework_cost_usd, 0)) AS wasted,
    toFloat64(ifNull(r.work_cost_usd, 0)) AS work,
    toDecimal256(sumIf(total, is_costed), 24) AS costed_usd
SELECT
    agent_name,
    agent_version,
    count() AS runs,
    uniqExact(cityHash64(r.trace_id)) AS traces,
    countIf(won) AS successful_runs,
    countIf(NOT r.succeeded) AS failed_runs,
    countIf(r.outcome != '') AS judged_runs,
    countIf(
        r.succeeded AND r.outcome = '' AND r.value_source = 'rule'
        AND ('' IN paid_by_success OR r.agent_name IN paid_by_success)
    ) AS assumed_valued_runs,
    sum(r.calls) AS calls,
    sum(r.attempts) AS attempts,
    sum(r.failed_attempts) AS failed_attempts,
    sum(r.retries) AS retries,
    sum(r.tool_calls) AS tool_calls,
    sum(r.input_tokens) AS input_tokens,
    sum(r.output_tokens) AS output_tokens,
    sum(r.cost_usd) AS cost_usd,
    CAST(roundBankers(toDecimal256(sum(r.total_cost_usd), 24) / count(), 12) AS Nullable(Decimal(38, 12))) AS cost_per_run_usd,
    CAST(
        roundBankers(toDecimal256(sum(r.total_cost_usd), 24) / nullIf(countIf(won), 0), 12) AS Nullable(Decimal(38, 12))
    ) AS cost_per_success_usd,
    sum(r.rework_cost_usd) AS rework_cost_usd,
    sum(r.estimated_cost_usd) AS estimated_cost_usd,
    sum(r.amortized_cost_usd) AS amortized_cost_usd,
    sum(r.total_cost_usd) AS total_cost_usd,
    if(sum(r.unconverted_records) > 0, NULL, sum(r.value_usd)) AS value_usd,
    CAST(value_usd - total_cost_usd AS Nullable(Decimal(38, 12))) AS margin_usd,
    countIf(r.value_usd IS NOT NULL) AS valued_runs,
    sum(r.unpriced_attempts) AS unpriced_attempts,
    sum(r.unknown_rework_attempts) AS unknown_rework_attempts,
    if(sum(r.attempts) = 0, 1., 1. - sum(r.unpriced_attempts) / sum(r.attempts)) AS known_cost_ratio,
    sum(r.inclusive_cost_usd) AS inclusive_cost_usd,
    sum(r.inclusive_rework_cost_usd) AS inclusive_rework_cost_usd,
    sum(r.inclusive_amortized_cost_usd) AS inclusive_amortized_cost_usd,
    sum(r.inclusive_total_cost_usd) AS inclusive_total_cost_usd,
    if(sum(r.inclusive_unconverted_records) > 0, NULL, sum(r.inclusive_value_usd)) AS inclusive_value_usd,
    CAST(inclusive_value_usd - inclusive_total_cost_usd AS Nullable(Decimal(38, 12))) AS inclusive_margin_usd,
    CAST(
        roundBankers(toDecimal256(inclusive_total_cost_usd, 24) / count(), 12) AS Nullable(Decimal(38, 12))
    ) AS inclusive_cost_per_run_usd,
    CAST(
        roundBankers(toDecimal256(inclusive_total_cost_usd, 24) / nullIf(successful_runs, 0), 12) AS Nullable(Decimal(38, 12))
    ) AS inclusive_cost_per_success_usd,
    sum(r.inclusive_unpriced_attempts) AS inclusive_unpriced_attempts,
    quantileExact(0.5)(r.duration_ns) AS p50_duration_ns,
    quantileExact(0.95)(r.duration_ns) AS p95_duration_ns,
    quantileExactIf(0.5)(r.ttft_ns, r.ttft_ns > 0) AS p50_ttft_ns,
    sum(r.work_cost_usd) AS work_cost_usd,
    @include arithmetic/rework_share of=work_cost_usd,
    @include arithmetic/waste_ends,
    ifNotFinite(varSampStable(wasted), 0) AS rework_work_variance,
    ifNotFinite(varSampStable(work), 0) AS work_variance,
    ifNotFinite(covarSampStable(wasted, work), 0) AS rework_work_covariance,
    countIf(r.inclusive_value_usd IS NOT NULL) AS inclusive_valued_runs,
    countIf(is_costed) AS inclusive_costed_runs,
    countIf(is_told) AS inclusive_told_runs,
    countIf(is_costed AND won) AS inclusive_costed_successes,
    toDecimal128(roundBankers(costed_usd / nullIf(inclusive_costed_runs, 0), 12), 12) AS inclusive_total_cost_mean_usd,
    ifNotFinite(varSampStableIf(toFloat64(total), is_costed), 0) AS inclusive_total_cost_variance,
    ifNotFinite(skewSampIf(toFloat64(total), is_costed), 0) AS inclusive_total_cost_skewness,
    toDecimal128(roundBankers(costed_usd / nullIf(inclusive_costed_successes, 0), 12), 12) AS inclusive_costed_cost_per_success_usd,
    ifNotFinite(varSampStableIf(toFloat64(won), is_costed), 0) AS inclusive_success_variance,
    ifNotFinite(covarSampStableIf(toFloat64(total), toFloat64(won), is_costed), 0) AS inclusive_total_cost_success_covariance,
    toDecimal128(
        roundBankers(toDecimal256(sumIf(earned - total, is_told), 24) / nullIf(inclusive_told_runs, 0), 12), 12
    ) AS inclusive_margin_mean_usd,
    ifNotFinite(varSampStableIf(toFloat64(earned - total), is_told), 0) AS inclusive_margin_variance,
    ifNotFinite(skewSampIf(toFloat64(earned - total), is_told), 0) AS inclusive_margin_skewness,
    countIf(is_costed AND total < 0) AS inclusive_credited_runs,
    countIf(is_told AND r.succeeded AND earned > 0) AS inclusive_earning_runs,
    countIf(
        is_told
        AND
        @include arithmetic/staked
    ) AS inclusive_staked_runs,
    ifNotFinite(
        covarSampStableIf(toFloat64(earned - total), toFloat64(r.succeeded AND earned > 0), is_told), 0
    ) AS inclusive_margin_earning_covariance,
    @include arithmetic/run_ends,
    @include arithmetic/success_gap
FROM run_economics AS r
LEFT ANY JOIN trace_ends AS w ON w.trace_id = r.trace_id
WHERE workspace = {workspace:String}
    AND started_at >= {since:DateTime64(9)}
    AND started_at < {until:DateTime64(9)}
    AND ({agent_name:String} = '' OR agent_name = {agent_name:String})
    AND ({agent_version:String} = '' OR agent_version = {agent_version:String})
    AND ({tenant:String} = '' OR tenant = {tenant:String})
GROUP BY
    agent_name,
    agent_version
ORDER BY
    cost_usd DESC NULLS LAST,
    agent_name,
    agent_version;
