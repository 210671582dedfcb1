-- trace_sums: the figures of arithmetic/run_moments, summed over the runs (r) of a trace, as columns of a SELECT: floats.
-- parameters: of = nothing for the runs themselves, inclusive_ for the runs with all runs below them.
countIf(r.is_$(of)costed) AS $(of)costed_n,
countIf(r.is_$(of)told) AS $(of)told_n,
sumIf(toFloat64(r.$(of)cost), r.is_$(of)costed) AS $(of)cost_sum,
sumIf(toFloat64(r.$(of)total), r.is_$(of)costed) AS $(of)total_cost_sum,
countIf(r.is_$(of)costed AND r.won) AS $(of)success_sum,
sumIf(toFloat64(r.$(of)earned), r.is_$(of)told) AS $(of)value_sum,
sumIf(toFloat64(r.$(of)earned - r.$(of)total), r.is_$(of)told) AS $(of)margin_sum,
sumIf(toFloat64(r.$(of)earned - r.$(of)cost), r.is_$(of)told) AS $(of)contribution_sum
