-- cost_by_agent: total cost of the runs of each agent, by day; the empty name is what ran outside any agent; at most 20 a day, dearest first.
SELECT
    toDateTime(day) AS time,
    agent_name,
    sum(total_cost_usd) AS total_cost_usd
FROM agent_unit_economics
WHERE workspace = decodeURLComponent('${workspace:percentencode}')
    AND $__dateFilter(day)
    AND $__conditionalAll(hex(agent_name) IN (${agent:sqlstring}), $agent)
    AND $__conditionalAll(hex(agent_version) IN (${version:sqlstring}), $version)
GROUP BY time, agent_name
ORDER BY time, total_cost_usd DESC, agent_name
LIMIT 20 BY time
