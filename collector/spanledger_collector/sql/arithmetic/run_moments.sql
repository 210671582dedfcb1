-- run_moments: sums and moments of runs (r: columns of run_economics and is_costed, is_told and both with inclusive_) that their own figures and
--   the inclusive ones have alike, as columns of a SELECT: what intervals of money are computed from.
-- parameters: of = nothing for the runs themselves, inclusive_ for the runs with all runs below them. Money in USD, 12 decimals;
--   _variance (n - 1 below the line), _skewness and _covariance as floats, 0 where there is none.
-- credited_runs: costed ones that cost less than nothing: credits were more. earning_runs: told ones that succeeded and earned something; staked_runs: told ones whose value may hang on how they go (arithmetic/staked);
--   _earning_covariance: with being an earning run.
-- Means and moments of cost are of the costed runs, of value, margin and contribution of those told (is_told). Where any run of a group has a value, runs without one earned 0.
sum(r.$(of)cost_usd) AS $(of)cost_usd,
sum(r.$(of)rework_cost_usd) AS $(of)rework_cost_usd,
sum(r.$(of)estimated_cost_usd) AS $(of)estimated_cost_usd,
sum(r.$(of)amortized_cost_usd) AS $(of)amortized_cost_usd,
sum(r.$(of)total_cost_usd) AS $(of)total_cost_usd,
if(sum(r.$(of)unconverted_records) > 0, NULL, sum(r.$(of)value_usd)) AS $(of)value_usd,
CAST($(of)value_usd - $(of)total_cost_usd AS Nullable(Decimal(38, 12))) AS $(of)margin_usd,
countIf(r.$(of)value_usd IS NOT NULL) AS $(of)valued_runs,
sum(r.$(of)unpriced_attempts) AS $(of)unpriced_attempts,
sum(r.$(of)unknown_rework_attempts) AS $(of)unknown_rework_attempts,
countIf(r.is_$(of)costed) AS $(of)costed_runs,
countIf(r.is_$(of)told) AS $(of)told_runs,
countIf(r.is_$(of)costed AND r.succeeded) AS $(of)costed_successes,
toDecimal128(roundBankers(toDecimal256(sumIf(r.$(of)cost, r.is_$(of)costed), 24) / nullIf($(of)costed_runs, 0), 12), 12) AS $(of)cost_mean_usd,
ifNotFinite(varSampStableIf(toFloat64(r.$(of)cost), r.is_$(of)costed), 0) AS $(of)cost_variance,
ifNotFinite(skewSampIf(toFloat64(r.$(of)cost), r.is_$(of)costed), 0) AS $(of)cost_skewness,
toDecimal128(roundBankers(toDecimal256(sumIf(r.$(of)total, r.is_$(of)costed), 24) / nullIf($(of)costed_runs, 0), 12), 12) AS $(of)total_cost_mean_usd,
ifNotFinite(varSampStableIf(toFloat64(r.$(of)total), r.is_$(of)costed), 0) AS $(of)total_cost_variance,
ifNotFinite(skewSampIf(toFloat64(r.$(of)total), r.is_$(of)costed), 0) AS $(of)total_cost_skewness,
toDecimal128(roundBankers(toDecimal256(sumIf(r.$(of)earned, r.is_$(of)told), 24) / nullIf($(of)told_runs, 0), 12), 12) AS $(of)value_mean_usd,
ifNotFinite(varSampStableIf(toFloat64(r.$(of)earned), r.is_$(of)told), 0) AS $(of)value_variance,
ifNotFinite(skewSampIf(toFloat64(r.$(of)earned), r.is_$(of)told), 0) AS $(of)value_skewness,
toDecimal128(roundBankers(toDecimal256(sumIf(r.$(of)earned - r.$(of)total, r.is_$(of)told), 24) / nullIf($(of)told_runs, 0), 12), 12) AS $(of)margin_mean_usd,
ifNotFinite(varSampStableIf(toFloat64(r.$(of)earned - r.$(of)total), r.is_$(of)told), 0) AS $(of)margin_variance,
ifNotFinite(skewSampIf(toFloat64(r.$(of)earned - r.$(of)total), r.is_$(of)told), 0) AS $(of)margin_skewness,
toDecimal128(roundBankers(toDecimal256(sumIf(r.$(of)earned - r.$(of)cost, r.is_$(of)told), 24) / nullIf($(of)told_runs, 0), 12), 12) AS $(of)contribution_mean_usd,
ifNotFinite(varSampStableIf(toFloat64(r.$(of)earned - r.$(of)cost), r.is_$(of)told), 0) AS $(of)contribution_variance,
ifNotFinite(skewSampIf(toFloat64(r.$(of)earned - r.$(of)cost), r.is_$(of)told), 0) AS $(of)contribution_skewness,
toDecimal128(
    roundBankers(toDecimal256(sumIf(r.$(of)total, r.is_$(of)costed), 24) / nullIf($(of)costed_successes, 0), 12), 12
) AS $(of)cost_per_success_usd,
ifNotFinite(varSampStableIf(toFloat64(r.succeeded), r.is_$(of)costed), 0) AS $(of)success_variance,
ifNotFinite(
    covarSampStableIf(toFloat64(r.$(of)total), toFloat64(r.succeeded), r.is_$(of)costed), 0
) AS $(of)total_cost_success_covariance,
countIf(r.is_$(of)costed AND least(r.$(of)cost, r.$(of)total) < 0) AS $(of)credited_runs,
countIf(r.is_$(of)told AND r.succeeded AND r.$(of)earned > 0) AS $(of)earning_runs,
countIf(
    r.is_$(of)told
    AND
    @include arithmetic/staked
) AS $(of)staked_runs,
ifNotFinite(
    covarSampStableIf(toFloat64(r.$(of)earned), toFloat64(r.succeeded AND r.$(of)earned > 0), r.is_$(of)told), 0
) AS $(of)value_earning_covariance,
ifNotFinite(
    covarSampStableIf(toFloat64(r.$(of)earned - r.$(of)total), toFloat64(r.succeeded AND r.$(of)earned > 0), r.is_$(of)told), 0
) AS $(of)margin_earning_covariance,
ifNotFinite(
    covarSampStableIf(toFloat64(r.$(of)earned - r.$(of)cost), toFloat64(r.succeeded AND r.$(of)earned > 0), r.is_$(of)told), 0
) AS $(of)contribution_earning_covariance
