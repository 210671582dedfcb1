-- quality_cost: cost of prevention, appraisal and failure beside that of good work, by day and agent.
SELECT
    day, agent_name, agent_version, tenant, cost_usd, prevention_cost_usd, appraisal_cost_usd, failure_cost_usd, good_cost_usd,
    quality_cost_usd, quality_cost_ratio
FROM quality_cost
WHERE workspace = decodeURLComponent('${workspace:percentencode}')
    AND $__dateFilter(day)
    AND $__conditionalAll(hex(agent_name) IN (${agent:sqlstring}), $agent)
    AND $__conditionalAll(hex(agent_version) IN (${version:sqlstring}), $version)
ORDER BY day DESC, quality_cost_usd DESC
LIMIT 1000
