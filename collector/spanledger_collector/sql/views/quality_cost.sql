-- quality_cost: cost of quality after Feigenbaum (prevention, appraisal, failure), by day and agent.
-- grain: (workspace, day of the start, agent_name, agent_version, tenant). units: USD, 12 decimals.
-- columns: disjoint parts of cost_usd, whose sum it is; NULL when nothing is known of the cost
--   prevention_cost_usd   guarding against bad answers: guardrails, moderation, purpose prevention
--   appraisal_cost_usd    judging answers: evaluators, purpose appraisal
--   failure_cost_usd      work that was wasted (see rework)
--   good_cost_usd         work that was used
--   unknown_cost_attempts beside them: attempts whose cost is unknown or partly unknown: cost_usd is a lower bound when above 0
--   unknown_quality_attempts   those of them of prevention, appraisal and failure: their sums are lower bounds when above 0
--   amortized_appraisal_usd   beside cost_usd: the runs' share of evaluation assets
--   quality_cost_usd      prevention + appraisal + failure + amortized_appraisal_usd
--   quality_cost_ratio    quality_cost_usd / (cost_usd + amortized_appraisal_usd); NULL when nothing was paid, or credits leave less
CREATE OR REPLACE VIEW quality_cost AS
SELECT
    workspace,
    day,
    agent_name,
    agent_version,
    tenant,
    sum(paid_usd) AS cost_usd,
    if(cost_usd IS NULL, NULL, ifNull(sum(prevention_usd), toDecimal128(0, 12))) AS prevention_cost_usd,
    if(cost_usd IS NULL, NULL, ifNull(sum(appraisal_usd), toDecimal128(0, 12))) AS appraisal_cost_usd,
    if(cost_usd IS NULL, NULL, ifNull(sum(failure_usd), toDecimal128(0, 12))) AS failure_cost_usd,
    CAST(cost_usd - prevention_cost_usd - appraisal_cost_usd - failure_cost_usd AS Nullable(Decimal(38, 12))) AS good_cost_usd,
    ifNull(sum(evaluation_usd), toDecimal128(0, 12)) AS amortized_appraisal_usd,
    CAST(
        prevention_cost_usd + appraisal_cost_usd + failure_cost_usd + amortized_appraisal_usd AS Nullable(Decimal(38, 12))
    ) AS quality_cost_usd,
    if(
        quality_cost_usd BETWEEN 0 AND cost_usd + amortized_appraisal_usd,
        toFloat64(quality_cost_usd) / nullIf(toFloat64(cost_usd + amortized_appraisal_usd), 0),
        NULL
    ) AS quality_cost_ratio,
    sum(unknown_cost) AS unknown_cost_attempts,
    sum(unknown_quality) AS unknown_quality_attempts
FROM
(
    SELECT
        a.workspace AS workspace,
        toDate(a.started_at) AS day,
        a.agent_name AS agent_name,
        a.agent_version AS agent_version,
        a.tenant AS tenant,
        sum(a.cost_usd) AS paid_usd,
        sumIf(a.cost_usd, a.purpose = 'prevention') AS prevention_usd,
        sumIf(a.cost_usd, a.purpose = 'appraisal') AS appraisal_usd,
        sumIf(a.cost_usd, a.purpose = 'work' AND a.rework_reason != '') AS failure_usd,
        CAST(NULL AS Nullable(Decimal(38, 12))) AS evaluation_usd,
        countIf(a.price_status IN ('unpriced', 'partial', 'unmetered')) AS unknown_cost,
        countIf(
            a.price_status IN ('unpriced', 'partial', 'unmetered') AND (a.purpose IN ('prevention', 'appraisal') OR a.rework_reason != '')
        ) AS unknown_quality
    FROM attempts AS a FINAL
    WHERE a.counted
    GROUP BY workspace, day, agent_name, agent_version, tenant
    UNION ALL
    SELECT
        c.workspace,
        toDate(r.started_at),
        r.agent_name,
        r.agent_version,
        r.tenant,
        NULL,
        NULL,
        NULL,
        NULL,
        sum(c.amount_usd),
        toUInt64(0),
        toUInt64(0)
    FROM amortization_charges AS c FINAL
    INNER JOIN
    (
        SELECT workspace, trace_id, run_id, started_at, agent_name, agent_version, tenant FROM runs FINAL
    ) AS r ON r.workspace = c.workspace AND r.trace_id = c.trace_id AND r.run_id = c.run_id
    WHERE c.kind = 'evaluation' AND c.amount_usd > 0
    GROUP BY c.workspace, toDate(r.started_at), r.agent_name, r.agent_version, r.tenant
)
GROUP BY workspace, day, agent_name, agent_version, tenant;
