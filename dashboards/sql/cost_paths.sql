-- cost_paths: the same in figures: cost of each path with all below, and the part of it that ends there; unpriced attempts are in no cost; at most 1000 rows, dearest first.
SELECT
    path,
    kind,
    steps_json AS flame_graph,
    sum(attempts) AS attempts,
    sum(unpriced_attempts) AS unpriced_attempts,
    sum(cost_usd) AS cost_usd,
    sum(self_cost_usd) AS self_cost_usd
FROM cost_by_path
WHERE workspace = decodeURLComponent('${workspace:percentencode}')
    AND $__dateFilter(day)
    AND depth > 0
    AND $__conditionalAll(hex(agent_name) IN (${agent:sqlstring}), $agent)
    AND $__conditionalAll(hex(agent_version) IN (${version:sqlstring}), $version)
GROUP BY path, kind, flame_graph
ORDER BY cost_usd DESC
LIMIT 1000
