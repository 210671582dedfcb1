-- success_gap: by how much a success may at most be worth more than what was seen of runs (r: columns of run_economics), as a column of a
--   SELECT: where rules alone say what all of them are worth. units: USD; NULL = nobody can say: an amount was recorded of one of them or
--   below, no rule of a run or success fits, or one pays by unit, of which there may be any number. Of traces: traces_by, by the same rule.
if(
    countIf(r.success_value_usd IS NULL) > 0,
    NULL,
    CAST(max(r.success_value_usd) - min(r.value_usd) AS Nullable(Decimal(38, 12)))
) AS success_gap_usd
