-- option_costs: what an option of an agent costs and earns, as columns of a SELECT over its runs (r: columns of run_options).
-- parameters: of = nothing for the runs themselves, inclusive_ for the runs with all runs below them. Costs are of the costed runs, value and
--   margin of those told (is_told); where any run has a value, those without one earned 0. earning_runs: told ones that
--   succeeded and earned something; staked_runs: those whose value may hang on how they go (arithmetic/staked). units: USD; _variance, _skewness, _covariance as floats of the same, 0 where there is none.
countIf(r.is_$(of)costed) AS $(of)costed_runs,
countIf(r.is_$(of)costed AND r.succeeded) AS $(of)costed_successes,
countIf(r.is_$(of)told) AS $(of)told_runs,
countIf(r.$(of)value_usd IS NOT NULL) AS $(of)valued_runs,
toDecimal256(sumIf(ifNull(r.$(of)total_cost_usd, 0), r.is_$(of)costed), 24) AS $(of)cost_usd,
toDecimal256(sumIf(ifNull(r.$(of)value_usd, 0), r.is_$(of)told), 24) AS $(of)value_usd,
toDecimal256(sumIf(ifNull(r.$(of)value_usd, 0) - ifNull(r.$(of)total_cost_usd, 0), r.is_$(of)told), 24) AS $(of)margin_usd,
toDecimal128(roundBankers($(of)cost_usd / nullIf($(of)costed_runs, 0), 12), 12) AS $(of)cost_per_run_usd,
toDecimal128(roundBankers($(of)cost_usd / nullIf($(of)costed_successes, 0), 12), 12) AS $(of)cost_per_success_usd,
toDecimal128(
    roundBankers(if($(of)valued_runs > 0, $(of)value_usd, NULL) / nullIf($(of)told_runs, 0), 12), 12
) AS $(of)value_per_run_usd,
toDecimal128(
    roundBankers(if($(of)valued_runs > 0, $(of)margin_usd, NULL) / nullIf($(of)told_runs, 0), 12), 12
) AS $(of)margin_per_run_usd,
ifNotFinite(
    varSampStableIf(toFloat64(ifNull(r.$(of)value_usd, 0) - ifNull(r.$(of)total_cost_usd, 0)), r.is_$(of)told), 0
) AS $(of)margin_variance,
ifNotFinite(
    skewSampIf(toFloat64(ifNull(r.$(of)value_usd, 0) - ifNull(r.$(of)total_cost_usd, 0)), r.is_$(of)told), 0
) AS $(of)margin_skewness,
ifNotFinite(varSampStableIf(toFloat64(ifNull(r.$(of)total_cost_usd, 0)), r.is_$(of)costed), 0) AS $(of)cost_variance,
ifNotFinite(skewSampIf(toFloat64(ifNull(r.$(of)total_cost_usd, 0)), r.is_$(of)costed), 0) AS $(of)cost_skewness,
ifNotFinite(varSampStableIf(toFloat64(r.succeeded), r.is_$(of)costed), 0) AS $(of)success_variance,
ifNotFinite(
    covarSampStableIf(toFloat64(ifNull(r.$(of)total_cost_usd, 0)), toFloat64(r.succeeded), r.is_$(of)costed), 0
) AS $(of)cost_success_covariance,
countIf(r.is_$(of)told AND r.succeeded AND ifNull(r.$(of)value_usd, 0) > 0) AS $(of)earning_runs,
countIf(
    r.is_$(of)told
    AND
    @include arithmetic/staked
) AS $(of)staked_runs,
ifNotFinite(
    covarSampStableIf(
        toFloat64(ifNull(r.$(of)value_usd, 0) - ifNull(r.$(of)total_cost_usd, 0)),
        toFloat64(r.succeeded AND ifNull(r.$(of)value_usd, 0) > 0),
        r.is_$(of)told
    ),
    0
) AS $(of)margin_earning_covariance
