-- waste_ends: by how much what runs (r: columns of run_economics) wasted, and the work of them that was used, cost less or more by the ends of
--   estimated usage, summed, as columns of a SELECT. units: USD, 12 decimals.
-- Of runs settled before that was kept: at most, the ends of the whole run.
toDecimal128(
    sum(
        ifNull(r.rework_cheaper_usd, greatest(least(ifNull(r.rework_cost_usd, 0), ifNull(r.cost_usd - r.cost_low_usd, 0)), 0))
    ),
    12
) AS rework_cheaper_usd,
toDecimal128(
    sum(ifNull(r.rework_dearer_usd, if(ifNull(r.rework_cost_usd, 0) > 0, ifNull(r.cost_high_usd - r.cost_usd, 0), 0))), 12
) AS rework_dearer_usd,
toDecimal128(
    sum(
        ifNull(
            r.used_cheaper_usd,
            greatest(least(ifNull(r.work_cost_usd - r.rework_cost_usd, 0), ifNull(r.cost_usd - r.cost_low_usd, 0)), 0)
        )
    ),
    12
) AS used_cheaper_usd,
toDecimal128(sum(ifNull(r.used_dearer_usd, ifNull(r.cost_high_usd - r.cost_usd, 0))), 12) AS used_dearer_usd
