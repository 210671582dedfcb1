-- run_ends: by how much the inclusive cost of runs (r: columns of run_economics; w: trace_ends) is less or more by the ends of what was
--   estimated, summed over all runs, and what of them is not known, as columns of a SELECT. units: USD, 12 decimals.
-- At most: the ends of usage (usage_ends, for itself too), and shares of assets that are off by what the least sure charge of the trace is.
@include arithmetic/usage_ends,
CAST(
    inclusive_usage_cheaper_usd + toDecimal128(
        sum(least(w.shares_cheaper, toFloat64(ifNull(r.inclusive_amortized_cost_usd, 0)) * w.most_cheaper)), 12
    ) AS Decimal(38, 12)
) AS inclusive_cheaper_usd,
CAST(
    inclusive_usage_dearer_usd + toDecimal128(
        sum(least(w.shares_dearer, toFloat64(ifNull(r.inclusive_amortized_cost_usd, 0)) * w.most_dearer)), 12
    ) AS Decimal(38, 12)
) AS inclusive_dearer_usd,
countIf(r.inclusive_cost_usd IS NULL OR r.inclusive_unpriced_attempts > 0) AS inclusive_uncosted_runs,
sum(r.inclusive_unconverted_records) AS inclusive_unconverted_records
