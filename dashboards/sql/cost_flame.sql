-- cost_flame: where the money goes, by who called whom: each agent, tool and model as wide as what it and all below cost.
SELECT
    depth AS level,
    label,
    sum(cost_usd) AS value,
    sum(self_cost_usd) AS self
FROM cost_by_path
WHERE workspace = decodeURLComponent('${workspace:percentencode}')
    AND $__dateFilter(day)
    AND $__conditionalAll(hex(agent_name) IN (${agent:sqlstring}), $agent)
    AND $__conditionalAll(hex(agent_version) IN (${version:sqlstring}), $version)
GROUP BY steps, level, label
HAVING sum(cost_usd) > 0
ORDER BY steps
