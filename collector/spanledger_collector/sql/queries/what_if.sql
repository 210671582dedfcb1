-- what_if: what the model calls of an agent would have saved, had they been made otherwise: run by run, so that a mean over runs has an
--   interval. Changes nothing in the ledger. How, and why that is exact: arithmetic/reprice.sql.
-- parameters: workspace; agent_name; since, until (start of the run, until exclusive); of_operations
--   (kinds of calls that are changed, with a comma between; empty = all: the others stay as they are); as_known_at, as_valid_at, of_model, set_provider,
--   set_model, set_tier, set_region, set_cache_read_ppm (as in reprice, but that what was cached stays so).
-- grain: one row; none where the agent made no calls. units: USD. Savings are of the attempts whose cost is known wholly on both sides.
-- columns: runs (with model calls), compared_runs (all of whose attempts can be compared), attempts, compared_attempts, billed_usd (of
--   those), saved_usd (billed less repriced; NULL where of what was billed nothing can be compared), saved_estimated_usd (the part of it whose usage was estimated), saving_mean_usd,
--   saving_variance, saving_skewness (of a run, over compared_runs), compared_traces (that compared_runs are in), trace_saving_variance,
--   trace_saving_skewness (of traces apart, arithmetic/trace_apart: what the mean is drawn with where these are fewer), missing (units, tiers and currencies without a rate).
WITH
    asked AS
    (
        SELECT
            *,
            (trace_id, run_id) AS by_key,
            {of_operations:String} != '' AND NOT has(splitByChar(',', {of_operations:String}), toString(operation)) AS kept,
            true AS cached_stays
        FROM attempts FINAL
        WHERE workspace = {workspace:String}
            AND agent_name = {agent_name:String}
            AND
            @include arithmetic/of_runs
            AND counted
            AND operation NOT IN ('execute_tool', 'effort', 'expense', 'load_model')
    ),
    @include arithmetic/reprice
SELECT
    sum(runs_n) AS runs,
    sum(compared_n) AS compared_runs,
    sum(trace_attempts) AS attempts,
    sum(trace_compared) AS compared_attempts,
    sum(trace_billed) AS billed_usd,
    if(compared_attempts = 0 OR (sum(trace_priced) = 0 AND compared_attempts < attempts), NULL, sum(trace_saved)) AS saved_usd,
    sum(trace_estimated) AS saved_estimated_usd,
    toDecimal128(roundBankers(toDecimal256(sum(compared_saving), 24) / nullIf(compared_runs, 0), 12), 12) AS saving_mean_usd,
    ifNotFinite(varSampStableArray(savings), 0) AS saving_variance,
    ifNotFinite(skewSampArray(savings), 0) AS saving_skewness,
    countIf(compared_n > 0) AS compared_traces,
    @include arithmetic/trace_shape of=trace_saving in=compared,
    arraySort(groupUniqArrayArray(100)(trace_missing)) AS missing
FROM
(
    SELECT
        *,
        @include arithmetic/trace_apart of=trace_saving in=compared
    FROM
    (
        SELECT
            by_key.1 AS trace_id,
            count() AS runs_n,
            countIf(run_attempts = run_compared) AS compared_n,
            sum(run_attempts) AS trace_attempts,
            sum(run_compared) AS trace_compared,
            sum(run_priced) AS trace_priced,
            sum(run_billed) AS trace_billed,
            sum(saving) AS trace_saved,
            sum(saving_estimated) AS trace_estimated,
            sumIf(saving, run_attempts = run_compared) AS compared_saving,
            groupArrayIf(toFloat64(saving), run_attempts = run_compared) AS savings,
            arraySum(savings) AS trace_saving_sum,
            groupUniqArrayArray(100)(run_missing) AS trace_missing
        FROM
        (
            SELECT
                by_key,
                sum(group_attempts) AS run_attempts,
                sumIf(group_attempts, comparable) AS run_compared,
                sumIf(group_attempts, comparable AND NOT not_billed) AS run_priced,
                sumIf(c.billed, comparable) AS run_billed,
                toDecimal128(ifNull(sumIf(c.billed - c.repriced, comparable), 0), 12) AS saving,
                toDecimal128(ifNull(sumIf(c.billed - c.repriced, comparable AND estimated), 0), 12) AS saving_estimated,
                groupUniqArrayArray(100)(absent) AS run_missing
            FROM compared AS c
            GROUP BY by_key
        )
        GROUP BY trace_id
    )
    WINDOW g AS ()
)
HAVING runs > 0;
