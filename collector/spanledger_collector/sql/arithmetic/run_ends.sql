-- run_ends: by how much the inclusive cost of runs (r: columns of run_economics; w: trace_ends) is less or more by the ends of what was
--   estimated, summed over all runs, and what of them is not known, as columns of a SELECT. units: USD, 12 decimals.
-- At most: a run that hands work on has all ends of its trace, which are its own where it is the top of it; its shares of assets are off
--   by what the least sure charge of the trace is.
toDecimal128(
    sum(
        toFloat64(ifNull(r.cost_usd - r.cost_low_usd, 0))
        + if(
            r.inclusive_attempts > r.attempts OR r.inclusive_cost_usd != r.cost_usd,
            greatest(w.usage_cheaper - toFloat64(ifNull(r.cost_usd - r.cost_low_usd, 0)), 0.),
            0.
        )
        + least(w.shares_cheaper, toFloat64(ifNull(r.inclusive_amortized_cost_usd, 0)) * w.most_cheaper)
    ),
    12
) AS inclusive_cheaper_usd,
toDecimal128(
    sum(
        toFloat64(ifNull(r.cost_high_usd - r.cost_usd, 0))
        + if(
            r.inclusive_attempts > r.attempts OR r.inclusive_cost_usd != r.cost_usd,
            greatest(w.usage_dearer - toFloat64(ifNull(r.cost_high_usd - r.cost_usd, 0)), 0.),
            0.
        )
        + least(w.shares_dearer, toFloat64(ifNull(r.inclusive_amortized_cost_usd, 0)) * w.most_dearer)
    ),
    12
) AS inclusive_dearer_usd,
countIf(r.inclusive_cost_usd IS NULL OR r.inclusive_unpriced_attempts > 0) AS inclusive_uncosted_runs,
sum(r.inclusive_unconverted_records) AS inclusive_unconverted_records
