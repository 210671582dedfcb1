-- rework_share: how much of the work was wasted, as columns of a SELECT: the one definition on every screen.
-- parameters: of = the column with the known cost of work, USD: of attempts whose purpose is work; what judges or guards (appraisal,
--   prevention) is none. Reads rework_cost_usd beside it: the part of it that was wasted.
-- Where credits leave less of the work than was wasted of it, there is no part: both are NULL.
-- rework_cost_ratio: of a dollar of work; NULL where nothing is known to have been paid. rework_multiplier: paid for a dollar of
--   work that was used: 1 = nothing was wasted, NULL = all was.
if(
    ifNull(rework_cost_usd, 0) BETWEEN 0 AND $(of),
    toFloat64(ifNull(rework_cost_usd, 0)) / nullIf(toFloat64($(of)), 0),
    NULL
) AS rework_cost_ratio,
if(
    ifNull(rework_cost_usd, 0) BETWEEN 0 AND $(of),
    toFloat64($(of)) / nullIf(toFloat64($(of) - ifNull(rework_cost_usd, 0)), 0),
    NULL
) AS rework_multiplier
