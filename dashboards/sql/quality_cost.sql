-- quality_cost: cost of prevention, appraisal and failure beside that of good work, by day and agent; lower bounds while attempts of unknown cost (of quality: of prevention, appraisal, failure) are above 0; at most 1000 rows, dearest first.
SELECT
    day, agent_name, agent_version, tenant, cost_usd, unknown_cost_attempts, prevention_cost_usd, appraisal_cost_usd, failure_cost_usd, good_cost_usd,
    quality_cost_usd, unknown_quality_attempts, quality_cost_ratio
FROM quality_cost
WHERE workspace = decodeURLComponent('${workspace:percentencode}')
    AND $__dateFilter(day)
    AND $__conditionalAll(hex(agent_name) IN (${agent:sqlstring}), $agent)
    AND $__conditionalAll(hex(agent_version) IN (${version:sqlstring}), $version)
ORDER BY quality_cost_usd DESC, day DESC
LIMIT 1000
