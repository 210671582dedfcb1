-- cost_flame: where the money goes, by who called whom: each agent, tool and model as wide as what was paid for it and all below, before credits, which have no width (the paths below hold them).
SELECT
    depth AS level,
    label,
    sum(gross_cost_usd) AS value,
    sum(self_gross_cost_usd) AS self
FROM cost_by_path
WHERE workspace = decodeURLComponent('${workspace:percentencode}')
    AND $__dateFilter(day)
    AND $__conditionalAll(hex(agent_name) IN (${agent:sqlstring}), $agent)
    AND $__conditionalAll(hex(agent_version) IN (${version:sqlstring}), $version)
GROUP BY steps, level, label
HAVING sum(gross_cost_usd) > 0
ORDER BY steps
