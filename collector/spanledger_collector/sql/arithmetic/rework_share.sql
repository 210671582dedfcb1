-- rework_share: how much of the work was wasted, as columns of a SELECT: the one definition on every screen.
-- parameters: of = the column with the known cost of work, USD: of attempts whose purpose is work; what judges or guards (appraisal,
--   prevention) is none. Reads rework_cost_usd beside it: the part of it that was wasted.
-- rework_cost_ratio: of a dollar of work; NULL where nothing is known to have been paid. rework_multiplier: paid for a dollar of
--   work that was used: 1 = nothing was wasted, NULL = all was.
toFloat64(ifNull(rework_cost_usd, 0)) / nullIf(toFloat64($(of)), 0) AS rework_cost_ratio,
toFloat64($(of)) / nullIf(toFloat64($(of) - ifNull(rework_cost_usd, 0)), 0) AS rework_multiplier
