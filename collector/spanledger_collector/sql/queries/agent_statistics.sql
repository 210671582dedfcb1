-- agent_statistics: the runs of one agent, summed, with the moments that intervals are computed from (estimate/).
-- parameters: workspace; agent_name; agent_version, tenant (empty = any); since, until (start of the run, until exclusive); by (total |
--   version | tenant | model | version_and_total | tenant_and_total | model_and_total: what a group is; the model is the one that most of a
--   run's money went to; _and_total: the groups and all runs, of one pass over them).
-- grain: one row a group, most runs first. units: USD, 12 decimals; nanoseconds (_ns); tokens. Moments are floats of the same units:
--   _variance (n - 1 below the line), _skewness (third standardised moment), _covariance; 0 where there is none.
-- Means, variances and costed_successes are of the costed runs: those whose cost is known wholly; of value, margin and
--   contribution of the told runs. Where any run of a group has a
--   value, runs without one earned 0; where none has, value and margin are unknown.
-- inclusive_*: the same of the runs and of all runs below them (sub-agents); means and moments over the runs whose inclusive cost is known wholly.
-- Rework is of work: cost less what judged or guarded (arithmetic/rework_share), of all runs, as far as it is known.
-- columns: kind (total | version | tenant | model), key (total for all runs), runs, traces (that they are in: where fewer, agent_traces has the moments), successful_runs, failed_runs, judged_runs (with a recorded outcome), assumed_successes (successful_runs without one), assumed_valued_runs (of those the ones that a value rule for a success speaks of), wrong_runs, calls, attempts, failed_attempts, retries,
--   tool_calls, input_tokens, cache_read_tokens (of them), output_tokens, flops_total, gpu_seconds, model_cost_usd (variable cost less the three that follow),
--   tool_cost_usd, effort_cost_usd, expense_cost_usd, appraisal_cost_usd, prevention_cost_usd, work_cost_usd (variable cost less the last
--   two), cost_low_usd, cost_high_usd (variable cost by the ends of what was estimated), known_cost_ratio, uncosted_runs (their cost is not wholly known), p50_duration_ns,
--   p95_duration_ns, p50_ttft_ns, first_started_at, last_started_at, runs_by_tenant, runs_by_version (of the kind model, else empty: what
--   agent_mix says of it, whose reading of the attempts is spared), cost_usd (variable cost of the runs themselves), rework_cost_usd,
--   estimated_cost_usd (parts of it, each for itself), amortized_cost_usd, total_cost_usd, value_usd, margin_usd, valued_runs,
--   unpriced_attempts, unknown_rework_attempts (of them wasted), costed_runs, told_runs (costed, and their value has rates), costed_successes, cost_mean_usd, cost_variance, cost_skewness, total_cost_mean_usd,
--   total_cost_variance, total_cost_skewness, value_mean_usd, value_variance, value_skewness, margin_mean_usd, margin_variance,
--   margin_skewness, contribution_mean_usd (value less variable cost), contribution_variance, contribution_skewness,
--   cost_per_success_usd (total cost of the costed runs / their successes), success_variance, total_cost_success_covariance,
--   credited_runs (costed ones that cost less than nothing, by credits), earning_runs (told ones that succeeded and earned something), staked_runs (told ones whose value may hang on how they go, arithmetic/staked),
--   value_earning_covariance, margin_earning_covariance, contribution_earning_covariance (with being an earning run),
--   inclusive_cost_usd, inclusive_rework_cost_usd, inclusive_estimated_cost_usd, inclusive_amortized_cost_usd,
--   inclusive_total_cost_usd, inclusive_value_usd, inclusive_margin_usd, inclusive_valued_runs, inclusive_unpriced_attempts, inclusive_unknown_rework_attempts,
--   inclusive_costed_runs, inclusive_told_runs, inclusive_costed_successes, inclusive_cost_mean_usd, inclusive_cost_variance, inclusive_cost_skewness,
--   inclusive_total_cost_mean_usd, inclusive_total_cost_variance, inclusive_total_cost_skewness, inclusive_value_mean_usd,
--   inclusive_value_variance, inclusive_value_skewness, inclusive_margin_mean_usd, inclusive_margin_variance, inclusive_margin_skewness,
--   inclusive_contribution_mean_usd, inclusive_contribution_variance, inclusive_contribution_skewness, inclusive_cost_per_success_usd,
--   inclusive_success_variance, inclusive_total_cost_success_covariance, inclusive_credited_runs, inclusive_earning_runs, inclusive_staked_runs,
--   inclusive_value_earning_covariance, inclusive_margin_earning_covariance, inclusive_contribution_earning_covariance, rework_cost_ratio (rework / work_cost_usd),
--   rework_multiplier (work / work that was used), rework_cheaper_usd, rework_dearer_usd, used_cheaper_usd, used_dearer_usd (by so much rework,
--   and the work that was used, is less or more by the ends of estimated usage, arithmetic/waste_ends), rework_work_variance, work_variance, rework_work_covariance (of rework and work of a
--   run, over all runs), rework_mean_usd, rework_variance, rework_skewness (of rework, over the costed runs), duration_mean_ns,
--   duration_variance, duration_skewness, duration_grid_ns (at most 1001 of the sorted durations: rank 1 + i * (runs - 1) / (length - 1)),
--   inclusive_usage_cheaper_usd, inclusive_usage_dearer_usd (by so much the inclusive variable cost of all runs is less or more by the ends
--   of estimated usage), inclusive_cheaper_usd, inclusive_dearer_usd (the inclusive total cost by these and by those of how many units
--   will share an asset), inclusive_uncosted_runs (their inclusive cost is not wholly known),
--   inclusive_unconverted_records (amounts in a currency without a rate), success_gap_usd (by so much a success may be worth more than what was seen, arithmetic/success_gap).
WITH
    @include arithmetic/agent_runs,
    @include arithmetic/grouped_runs,
    @include arithmetic/trace_ends
SELECT
    kind,
    if(kind = 'total', 'total', r.group_key) AS key,
    count() AS runs,
    uniqExact(cityHash64(r.trace_id)) AS traces,
    sum(r.succeeded) AS successful_runs,
    runs - successful_runs AS failed_runs,
    countIf(r.outcome != '') AS judged_runs,
    countIf(r.succeeded AND r.outcome = '') AS assumed_successes,
    countIf(
        r.succeeded AND r.outcome = '' AND r.value_source = 'rule'
        AND (SELECT count() FROM value_rules_in_force WHERE per = 'success' AND agent_name IN ('', {agent_name:String})) > 0
    ) AS assumed_valued_runs,
    countIf(r.judged_wrong) AS wrong_runs,
    sum(r.calls) AS calls,
    sum(r.attempts) AS attempts,
    sum(r.failed_attempts) AS failed_attempts,
    sum(r.retries) AS retries,
    sum(r.tool_calls) AS tool_calls,
    sum(r.input_tokens) AS input_tokens,
    sum(r.cache_read_tokens) AS cache_read_tokens,
    sum(r.output_tokens) AS output_tokens,
    sum(r.flops_total) AS flops_total,
    sum(r.gpu_seconds) AS gpu_seconds,
    CAST(
        cost_usd - ifNull(tool_cost_usd, 0) - ifNull(effort_cost_usd, 0) - ifNull(expense_cost_usd, 0) AS Nullable(Decimal(38, 12))
    ) AS model_cost_usd,
    sum(r.tool_cost_usd) AS tool_cost_usd,
    sum(r.effort_cost_usd) AS effort_cost_usd,
    sum(r.expense_cost_usd) AS expense_cost_usd,
    sum(r.appraisal_cost_usd) AS appraisal_cost_usd,
    sum(r.prevention_cost_usd) AS prevention_cost_usd,
    sum(r.work_cost_usd) AS work_cost_usd,
    sum(r.cost_low_usd) AS cost_low_usd,
    sum(r.cost_high_usd) AS cost_high_usd,
    if(attempts = 0, 1., 1. - unpriced_attempts / attempts) AS known_cost_ratio,
    countIf(r.cost_usd IS NULL OR r.unpriced_attempts > 0) AS uncosted_runs,
    quantileExact(0.5)(r.duration_ns) AS p50_duration_ns,
    quantileExact(0.95)(r.duration_ns) AS p95_duration_ns,
    quantileExactIf(0.5)(r.ttft_ns, r.ttft_ns > 0) AS p50_ttft_ns,
    min(r.started_at) AS first_started_at,
    max(r.started_at) AS last_started_at,
    sumMapIf(map(toString(r.tenant), toUInt64(1)), r.kind = 'model') AS runs_by_tenant,
    sumMapIf(map(toString(r.agent_version), toUInt64(1)), r.kind = 'model') AS runs_by_version,
    @include arithmetic/run_moments of=,
    @include arithmetic/run_moments of=inclusive_,
    @include arithmetic/rework_share of=work_cost_usd,
    @include arithmetic/waste_ends,
    ifNotFinite(varSampStable(toFloat64(r.wasted)), 0) AS rework_work_variance,
    ifNotFinite(varSampStable(toFloat64(r.work)), 0) AS work_variance,
    ifNotFinite(covarSampStable(toFloat64(r.wasted), toFloat64(r.work)), 0) AS rework_work_covariance,
    toDecimal128(roundBankers(toDecimal256(sumIf(r.wasted, r.is_costed), 24) / nullIf(costed_runs, 0), 12), 12) AS rework_mean_usd,
    ifNotFinite(varSampStableIf(toFloat64(r.wasted), r.is_costed), 0) AS rework_variance,
    ifNotFinite(skewSampIf(toFloat64(r.wasted), r.is_costed), 0) AS rework_skewness,
    avg(r.duration_ns) AS duration_mean_ns,
    ifNotFinite(varSampStable(toFloat64(r.duration_ns)), 0) AS duration_variance,
    ifNotFinite(skewSamp(toFloat64(r.duration_ns)), 0) AS duration_skewness,
    arrayMap(
        i -> arraySort(groupArray(r.duration_ns))[1 + intDiv(i * (runs - 1), greatest(least(runs, 1001) - 1, 1))],
        range(least(runs, 1001))
    ) AS duration_grid_ns,
    @include arithmetic/run_ends,
    @include arithmetic/success_gap
FROM grouped_runs AS r
LEFT ANY JOIN trace_ends AS w ON w.trace_id = r.trace_id
GROUP BY
    kind,
    key
ORDER BY
    runs DESC,
    key,
    kind;
