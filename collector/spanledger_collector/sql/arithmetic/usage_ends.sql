-- usage_ends: by how much the inclusive variable cost of runs (r: columns of run_economics; w: trace_ends) is less or more by the ends of
--   estimated usage, summed over all runs, as columns of a SELECT. units: USD, 12 decimals.
-- At most: a run that hands work on has all ends of its trace, which are its own where it is the top of it.
toDecimal128(
    sum(
        toFloat64(ifNull(r.cost_usd - r.cost_low_usd, 0))
        + if(
            r.inclusive_attempts > r.attempts OR r.inclusive_cost_usd != r.cost_usd,
            greatest(w.usage_cheaper - toFloat64(ifNull(r.cost_usd - r.cost_low_usd, 0)), 0.),
            0.
        )
    ),
    12
) AS inclusive_usage_cheaper_usd,
toDecimal128(
    sum(
        toFloat64(ifNull(r.cost_high_usd - r.cost_usd, 0))
        + if(
            r.inclusive_attempts > r.attempts OR r.inclusive_cost_usd != r.cost_usd,
            greatest(w.usage_dearer - toFloat64(ifNull(r.cost_high_usd - r.cost_usd, 0)), 0.),
            0.
        )
    ),
    12
) AS inclusive_usage_dearer_usd
