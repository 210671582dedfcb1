-- quality_costs: cost of quality (prevention, appraisal, failure) over a period: the sums of the view quality_cost, which has whole days.
-- parameters: workspace; agent_name, agent_version, tenant (empty = any); since, until (start of the call or run, until exclusive);
--   by (agent | version | tenant | total: what a key is).
-- grain: one row a key, dearest quality first. units: USD, 12 decimals.
-- Traces are dealt by their hash into parts, 65536 at most, so that what intervals are computed from (estimate/) stays bounded: with
--   fewer traces than that each part is one trace, with more several, which leaves the variance of the ratio as it is. The runs of one trace
--   go well or ill together: they are no draws of their own.
-- columns: key, cost_usd, prevention_cost_usd, appraisal_cost_usd, failure_cost_usd, good_cost_usd (disjoint parts of it; NULL = nothing is known
--   of the cost), amortized_appraisal_usd (beside it: shares of evaluation assets), quality_cost_usd (prevention + appraisal + failure +
--   amortized appraisal), quality_cost_ratio (of cost + amortized appraisal; NULL = nothing was paid, or credits leave less), unknown_cost_attempts (their cost is
--   unknown: costs are lower bounds when > 0), unknown_quality_attempts (of them those of prevention, appraisal and failure), quality_cheaper_usd, quality_dearer_usd, used_cheaper_usd, used_dearer_usd
--   (by so much quality_cost_usd, and good_cost_usd, is less or more by the ends of what was estimated: usage, and the shares of evaluation assets), traces (parts in which something was paid), quality_variance, paid_variance, quality_paid_covariance
--   (n - 1 below the line, of quality_cost_usd and of cost + amortized appraisal, over the parts, floats; 0 where there is none).
SELECT
    key,
    sum(p.cost_usd) AS cost_usd,
    if(cost_usd IS NULL, NULL, ifNull(sum(p.prevention_usd), toDecimal128(0, 12))) AS prevention_cost_usd,
    if(cost_usd IS NULL, NULL, ifNull(sum(p.appraisal_usd), toDecimal128(0, 12))) AS appraisal_cost_usd,
    if(cost_usd IS NULL, NULL, ifNull(sum(p.failure_usd), toDecimal128(0, 12))) AS failure_cost_usd,
    CAST(cost_usd - prevention_cost_usd - appraisal_cost_usd - failure_cost_usd AS Nullable(Decimal(38, 12))) AS good_cost_usd,
    ifNull(sum(p.amortized_usd), toDecimal128(0, 12)) AS amortized_appraisal_usd,
    CAST(
        prevention_cost_usd + appraisal_cost_usd + failure_cost_usd + amortized_appraisal_usd AS Nullable(Decimal(38, 12))
    ) AS quality_cost_usd,
    if(
        quality_cost_usd BETWEEN 0 AND cost_usd + amortized_appraisal_usd,
        toFloat64(quality_cost_usd) / nullIf(toFloat64(cost_usd + amortized_appraisal_usd), 0),
        NULL
    ) AS quality_cost_ratio,
    sum(p.unknown_cost_attempts) AS unknown_cost_attempts,
    sum(p.unknown_quality_attempts) AS unknown_quality_attempts,
    toDecimal128(ifNull(sum(p.quality_low), 0), 12) AS quality_cheaper_usd,
    toDecimal128(ifNull(sum(p.quality_high), 0), 12) AS quality_dearer_usd,
    toDecimal128(ifNull(sum(p.used_low), 0), 12) AS used_cheaper_usd,
    toDecimal128(ifNull(sum(p.used_high), 0), 12) AS used_dearer_usd,
    countIf(p.cost_usd IS NOT NULL OR p.amortized_usd IS NOT NULL) AS traces,
    ifNotFinite(varSampStableIf(p.quality, p.cost_usd IS NOT NULL OR p.amortized_usd IS NOT NULL), 0) AS quality_variance,
    ifNotFinite(varSampStableIf(p.paid, p.cost_usd IS NOT NULL OR p.amortized_usd IS NOT NULL), 0) AS paid_variance,
    ifNotFinite(covarSampStableIf(p.quality, p.paid, p.cost_usd IS NOT NULL OR p.amortized_usd IS NOT NULL), 0) AS quality_paid_covariance
FROM
(
    SELECT
        key,
        part,
        sum(u.cost) AS cost_usd,
        sum(u.prevention) AS prevention_usd,
        sum(u.appraisal) AS appraisal_usd,
        sum(u.failure) AS failure_usd,
        sum(u.amortized) AS amortized_usd,
        sum(u.quality_cheaper) AS quality_low,
        sum(u.quality_dearer) AS quality_high,
        sum(u.used_cheaper) AS used_low,
        sum(u.used_dearer) AS used_high,
        sum(u.unknown) AS unknown_cost_attempts,
        sum(u.unknown_quality) AS unknown_quality_attempts,
        toFloat64(ifNull(amortized_usd, 0)) AS evaluated,
        toFloat64(ifNull(prevention_usd, 0)) + toFloat64(ifNull(appraisal_usd, 0)) + toFloat64(ifNull(failure_usd, 0)) + evaluated AS quality,
        toFloat64(ifNull(cost_usd, 0)) + evaluated AS paid
    FROM
    (
        SELECT
            toString(
                @include arithmetic/attempt_key
            ) AS key,
            cityHash64(a.trace_id) % 65536 AS part,
            sum(a.cost_usd) AS cost,
            sumIf(a.cost_usd, a.purpose = 'prevention') AS prevention,
            sumIf(a.cost_usd, a.purpose = 'appraisal') AS appraisal,
            sumIf(a.cost_usd, a.purpose = 'work' AND a.rework_reason != '') AS failure,
            CAST(NULL AS Nullable(Decimal(38, 12))) AS amortized,
            sumIf(a.cost_usd - a.cost_low_usd, a.purpose IN ('prevention', 'appraisal') OR a.rework_reason != '') AS quality_cheaper,
            sumIf(a.cost_high_usd - a.cost_usd, a.purpose IN ('prevention', 'appraisal') OR a.rework_reason != '') AS quality_dearer,
            sumIf(a.cost_usd - a.cost_low_usd, a.purpose = 'work' AND a.rework_reason = '') AS used_cheaper,
            sumIf(a.cost_high_usd - a.cost_usd, a.purpose = 'work' AND a.rework_reason = '') AS used_dearer,
            countIf(a.price_status IN ('unpriced', 'partial', 'unmetered')) AS unknown,
            countIf(
                a.price_status IN ('unpriced', 'partial', 'unmetered') AND (a.purpose IN ('prevention', 'appraisal') OR a.rework_reason != '')
            ) AS unknown_quality
        FROM attempts AS a FINAL
        WHERE
            @include arithmetic/attempts_of_period
        GROUP BY
            @include arithmetic/attempt_key,
            part
        UNION ALL
        SELECT
            toString(
                @include arithmetic/attempt_key
            ) AS key,
            cityHash64(a.trace_id) % 65536 AS part,
            NULL,
            NULL,
            NULL,
            NULL,
            sum(a.amount_usd),
            -- An end that the plan does not say is none.
            sum(toDecimal128(toFloat64(a.amount_usd) * greatest(1. - toFloat64(ifNull(a.low_factor, 1)), 0.), 12)),
            sum(toDecimal128(toFloat64(a.amount_usd) * greatest(toFloat64(ifNull(a.high_factor, 1)) - 1., 0.), 12)),
            NULL,
            NULL,
            toUInt64(0),
            toUInt64(0)
        FROM
        (
            SELECT
                r.trace_id AS trace_id,
                r.run_id AS run_id,
                r.agent_name AS agent_name,
                r.agent_version AS agent_version,
                r.tenant AS tenant,
                '' AS provider_key,
                '' AS model_key,
                '' AS prompt_name,
                '' AS prompt_version,
                c.amount_usd AS amount_usd,
                i.low_factor AS low_factor,
                i.high_factor AS high_factor
            FROM amortization_charges AS c FINAL
            INNER JOIN
            (
                SELECT trace_id, run_id, agent_name, agent_version, tenant
                FROM runs FINAL
                WHERE workspace = {workspace:String}
                    AND started_at >= {since:DateTime64(9)}
                    AND started_at < {until:DateTime64(9)}
                    AND ({agent_name:String} = '' OR agent_name = {agent_name:String})
                    AND ({agent_version:String} = '' OR agent_version = {agent_version:String})
                    AND ({tenant:String} = '' OR tenant = {tenant:String})
            ) AS r ON r.trace_id = c.trace_id AND r.run_id = c.run_id
            LEFT ANY JOIN
            (
                SELECT asset_id, plan_id, basis_id, low_factor, high_factor
                FROM charge_intervals
                WHERE workspace = {workspace:String} AND (low_factor < 1 OR high_factor > 1)
            ) AS i ON i.asset_id = c.asset_id AND i.plan_id = c.plan_id AND i.basis_id = c.basis_id
            WHERE c.workspace = {workspace:String} AND c.kind = 'evaluation' AND c.amount_usd > 0
        ) AS a
        GROUP BY
            @include arithmetic/attempt_key,
            part
    ) AS u
    GROUP BY
        key,
        part
) AS p
GROUP BY key
ORDER BY
    quality_cost_usd DESC NULLS LAST,
    key;
