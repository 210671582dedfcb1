-- rework_rates: how much of the work was wasted. Work only: what judges or guards is no work.
-- parameters: workspace; agent_name, agent_version, tenant (empty = any); since, until (start of the call, until exclusive); by (total |
--   agent | version | model | prompt | tenant: what a key is).
-- grain: one row a key, most wasted first. units: USD.
-- The sums of the view rework_rate, of any period; it has a row a day, tenant, model and prompt: too many to be summed again here.
-- Traces are dealt by their hash into parts, 65536 at most, so that what intervals are computed from (estimate/) stays bounded: with
--   fewer traces than that each part is one trace, with more several, which leaves the variance of the ratio as it is. The runs of one trace
--   go well or ill together: they are no draws of their own.
-- columns: key, attempts, rework_attempts (of them wasted), cost_usd, rework_cost_usd (NULL = nothing of the cost is known),
--   rework_cost_ratio, rework_multiplier (arithmetic/rework_share: of a dollar of work, and paid for a dollar of work that was used),
--   rework_cheaper_usd, rework_dearer_usd, used_cheaper_usd, used_dearer_usd (by so much rework, and the work that was used, is less or more by the
--   ends of estimated usage),
--   unknown_cost_attempts (their cost is unknown: costs are lower bounds when > 0), unknown_rework_attempts (of them wasted),
--   traces (parts with work), rework_work_variance, work_variance, rework_work_covariance (n - 1 below the line, over the parts, floats; 0
--   where there is none).
SELECT
    key,
    sum(p.attempts) AS attempts,
    sum(p.rework_attempts) AS rework_attempts,
    sum(p.cost_usd) AS cost_usd,
    if(cost_usd IS NULL, NULL, ifNull(sum(p.wasted_usd), toDecimal128(0, 12))) AS rework_cost_usd,
    @include arithmetic/rework_share of=cost_usd,
    toDecimal128(ifNull(sum(p.wasted_low), 0), 12) AS rework_cheaper_usd,
    toDecimal128(ifNull(sum(p.wasted_high), 0), 12) AS rework_dearer_usd,
    toDecimal128(ifNull(sum(p.used_low), 0), 12) AS used_cheaper_usd,
    toDecimal128(ifNull(sum(p.used_high), 0), 12) AS used_dearer_usd,
    sum(p.unknown_cost_attempts) AS unknown_cost_attempts,
    sum(p.unknown_rework_attempts) AS unknown_rework_attempts,
    count() AS traces,
    ifNotFinite(varSampStable(toFloat64(ifNull(p.wasted_usd, 0))), 0) AS rework_work_variance,
    ifNotFinite(varSampStable(toFloat64(ifNull(p.cost_usd, 0))), 0) AS work_variance,
    ifNotFinite(covarSampStable(toFloat64(ifNull(p.wasted_usd, 0)), toFloat64(ifNull(p.cost_usd, 0))), 0) AS rework_work_covariance
FROM
(
    SELECT
        toString(
            @include arithmetic/attempt_key
        ) AS key,
        cityHash64(a.trace_id) % 65536 AS part,
        count() AS attempts,
        countIf(a.rework_reason != '') AS rework_attempts,
        sum(a.cost_usd) AS cost_usd,
        sumIf(a.cost_usd, a.rework_reason != '') AS wasted_usd,
        sumIf(a.cost_usd - a.cost_low_usd, a.rework_reason != '') AS wasted_low,
        sumIf(a.cost_high_usd - a.cost_usd, a.rework_reason != '') AS wasted_high,
        sumIf(a.cost_usd - a.cost_low_usd, a.rework_reason = '') AS used_low,
        sumIf(a.cost_high_usd - a.cost_usd, a.rework_reason = '') AS used_high,
        countIf(a.price_status IN ('unpriced', 'partial', 'unmetered')) AS unknown_cost_attempts,
        countIf(a.price_status IN ('unpriced', 'partial', 'unmetered') AND a.rework_reason != '') AS unknown_rework_attempts
    FROM attempts AS a FINAL
    WHERE
        @include arithmetic/attempts_of_period
        AND a.purpose = 'work'
    GROUP BY
        @include arithmetic/attempt_key,
        part
) AS p
GROUP BY key
ORDER BY
    rework_cost_usd DESC NULLS LAST,
    rework_attempts DESC,
    key;
