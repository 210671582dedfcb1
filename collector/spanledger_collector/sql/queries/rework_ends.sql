-- rework_ends: the rework of an agent that would not be, had all been right at once: what was made again, and how far it is estimated.
--   An answer judged wrong, or a failure, that nobody made again is none of it: a right answer would have cost the same call. What was
--   built on a bad answer is where a bad answer of its trace was made again. What an emitter called rework by a word of its own is.
-- parameters: workspace; agent_name; since, until (start of the run, until exclusive).
-- grain: one row. units: USD, 12 decimals; moments are floats of it, 0 where there are none.
-- columns: cheaper_usd, dearer_usd (by so much it cost less or more by the ends of what was estimated of its usage, all ends of one side
--   together: the worst case), made_again_usd, not_made_again_usd (the rest of the rework), costed_runs (whose cost is known wholly),
--   made_again_mean_usd, made_again_variance, made_again_skewness (of a run, over the costed ones), costed_traces (that these are in),
--   trace_made_again_variance, trace_made_again_skewness (of traces apart, arithmetic/trace_apart: what the mean is drawn with where these are fewer).
WITH
    redone AS
    (
        SELECT trace_id, arrayJoin([rework_of, retry_of]) AS span_id
        FROM attempts FINAL
        WHERE workspace = {workspace:String} AND started_at >= {since:DateTime64(9)} AND (rework_of != '' OR retry_of != '')
    ),
    wasted AS
    (
        SELECT
            a.trace_id AS trace_id,
            a.run_id AS run_id,
            multiIf(
                startsWith(a.rework_reason, 'built_on_'), a.trace_id IN (SELECT trace_id FROM bad_and_redone),
                a.rework_reason IN ('failed', 'wrong', 'hallucinated'), (a.trace_id, a.span_id) IN (SELECT trace_id, span_id FROM redone),
                1
            ) AS again,
            a.cost_usd AS usd,
            a.cost_low_usd AS low,
            a.cost_high_usd AS high
        FROM attempts AS a FINAL
        WHERE a.workspace = {workspace:String}
            AND a.agent_name = {agent_name:String}
            AND a.counted
            AND a.rework_reason != ''
    ),
    bad_and_redone AS
    (
        SELECT b.trace_id AS trace_id
        FROM attempts AS b FINAL
        WHERE b.workspace = {workspace:String}
            AND b.rework_reason IN ('wrong', 'hallucinated')
            AND (b.trace_id, b.span_id) IN (SELECT trace_id, span_id FROM redone)
    )
SELECT
    toDecimal128(ifNull(sum(trace_cheaper), 0), 12) AS cheaper_usd,
    toDecimal128(ifNull(sum(trace_dearer), 0), 12) AS dearer_usd,
    toDecimal128(ifNull(sum(trace_rework), 0), 12) - not_made_again_usd AS made_again_usd,
    toDecimal128(ifNull(sum(trace_kept), 0), 12) AS not_made_again_usd,
    sum(costed_n) AS costed_runs,
    toDecimal128(roundBankers(toDecimal256(sum(costed_again), 24) / nullIf(costed_runs, 0), 12), 12) AS made_again_mean_usd,
    ifNotFinite(varSampStableArray(again_usd), 0) AS made_again_variance,
    ifNotFinite(skewSampArray(again_usd), 0) AS made_again_skewness,
    countIf(costed_n > 0) AS costed_traces,
    @include arithmetic/trace_shape of=trace_made_again in=costed
FROM
(
    SELECT
        *,
        @include arithmetic/trace_apart of=trace_made_again in=costed
    FROM
    (
        SELECT
            e.trace_id AS trace_id,
            sum(w.cheaper) AS trace_cheaper,
            sum(w.dearer) AS trace_dearer,
            sum(e.rework) AS trace_rework,
            sum(w.kept) AS trace_kept,
            countIf(e.is_costed) AS costed_n,
            sumIf(e.rework - ifNull(w.kept, 0), e.is_costed) AS costed_again,
            groupArrayIf(toFloat64(e.rework - ifNull(w.kept, 0)), e.is_costed) AS again_usd,
            arraySum(again_usd) AS trace_made_again_sum
        FROM
        (
            SELECT
                trace_id,
                run_id,
                ifNull(rework_cost_usd, 0) AS rework,
                cost_usd IS NOT NULL AND unpriced_attempts = 0 AS is_costed
            FROM run_economics
            WHERE workspace = {workspace:String}
                AND agent_name = {agent_name:String}
                AND started_at >= {since:DateTime64(9)}
                AND started_at < {until:DateTime64(9)}
        ) AS e
        LEFT ANY JOIN
        (
            SELECT
                trace_id,
                run_id,
                sumIf(usd - low, again) AS cheaper,
                sumIf(high - usd, again) AS dearer,
                sumIf(usd, NOT again) AS kept
            FROM wasted
            GROUP BY
                trace_id,
                run_id
        ) AS w ON w.trace_id = e.trace_id AND w.run_id = e.run_id
        GROUP BY trace_id
    )
    WINDOW g AS ()
);
