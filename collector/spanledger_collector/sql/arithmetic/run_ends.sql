-- run_ends: by how much the inclusive cost of runs (r: columns of run_economics; w: trace_ends) is less or more by the ends of what was
--   estimated, summed over the costed runs, as columns of a SELECT. units: USD, 12 decimals.
-- parameters: costed = the column that says that a run is costed.
-- At most: a run that hands work on has all ends of its trace, which are its own where it is the top of it; its shares of assets are off
--   by what the least sure charge of the trace is.
toDecimal128(
    sumIf(
        toFloat64(ifNull(r.cost_usd - r.cost_low_usd, 0))
        + if(
            r.inclusive_attempts > r.attempts OR r.inclusive_cost_usd != r.cost_usd,
            greatest(w.usage_cheaper - toFloat64(ifNull(r.cost_usd - r.cost_low_usd, 0)), 0.),
            0.
        )
        + least(w.shares_cheaper, toFloat64(ifNull(r.inclusive_amortized_cost_usd, 0)) * w.most_cheaper),
        $(costed)
    ),
    12
) AS inclusive_cheaper_usd,
toDecimal128(
    sumIf(
        toFloat64(ifNull(r.cost_high_usd - r.cost_usd, 0))
        + if(
            r.inclusive_attempts > r.attempts OR r.inclusive_cost_usd != r.cost_usd,
            greatest(w.usage_dearer - toFloat64(ifNull(r.cost_high_usd - r.cost_usd, 0)), 0.),
            0.
        )
        + least(w.shares_dearer, toFloat64(ifNull(r.inclusive_amortized_cost_usd, 0)) * w.most_dearer),
        $(costed)
    ),
    12
) AS inclusive_dearer_usd
