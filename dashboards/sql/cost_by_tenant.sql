-- cost_by_tenant: total cost of the runs made on behalf of each tenant, by day; the empty name is what ran for nobody in particular; at most 20 a day, dearest first.
SELECT
    toDateTime(day) AS time,
    tenant,
    sum(total_cost_usd) AS total_cost_usd
FROM agent_unit_economics
WHERE workspace = decodeURLComponent('${workspace:percentencode}')
    AND $__dateFilter(day)
    AND $__conditionalAll(hex(agent_name) IN (${agent:sqlstring}), $agent)
    AND $__conditionalAll(hex(agent_version) IN (${version:sqlstring}), $version)
GROUP BY time, tenant
ORDER BY time, total_cost_usd DESC, tenant
LIMIT 20 BY time
