-- quality_costs: cost of quality (prevention, appraisal, failure) over a period of whole days (UTC), of the view quality_cost.
-- parameters: workspace; agent_name (empty = any); since, until (start of the call or run, until exclusive; days are taken whole);
--   by (agent | version | tenant | total: what a key is).
-- grain: one row a key, dearest quality first. units: USD, 12 decimals.
-- columns: key, cost_usd, prevention_cost_usd, appraisal_cost_usd, failure_cost_usd, good_cost_usd (disjoint parts of it; NULL = nothing is known
--   of the cost), amortized_appraisal_usd (beside it: shares of evaluation assets), quality_cost_usd (prevention + appraisal + failure +
--   amortized appraisal), quality_cost_ratio (of cost + amortized appraisal; NULL = nothing was paid).
SELECT
    if({by:String} = 'agent', q.agent_name,
        if({by:String} = 'version', trim(q.agent_name || ' ' || q.agent_version), if({by:String} = 'tenant', q.tenant, 'total'))) AS key,
    sum(q.cost_usd) AS cost_usd,
    sum(q.prevention_cost_usd) AS prevention_cost_usd,
    sum(q.appraisal_cost_usd) AS appraisal_cost_usd,
    sum(q.failure_cost_usd) AS failure_cost_usd,
    sum(q.good_cost_usd) AS good_cost_usd,
    sum(q.amortized_appraisal_usd) AS amortized_appraisal_usd,
    if(
        cost_usd IS NULL,
        NULL,
        CAST(prevention_cost_usd + appraisal_cost_usd + failure_cost_usd + amortized_appraisal_usd AS Nullable(Decimal(38, 12)))
    ) AS quality_cost_usd,
    toFloat64(quality_cost_usd) / nullIf(toFloat64(cost_usd + amortized_appraisal_usd), 0) AS quality_cost_ratio
FROM quality_cost AS q
WHERE q.workspace = {workspace:String}
    AND q.day >= toDate({since:DateTime64(9)}, 'UTC')
    AND q.day <= toDate({until:DateTime64(9)} - INTERVAL 1 NANOSECOND, 'UTC')
    AND ({agent_name:String} = '' OR q.agent_name = {agent_name:String})
GROUP BY key
ORDER BY
    quality_cost_usd DESC NULLS LAST,
    key;
