-- cost_by_version: total cost of the runs of each version of the chosen agents, by day: choose one agent to see its versions apart; at most 20 a day, dearest first.
SELECT
    toDateTime(day) AS time,
    agent_version,
    sum(total_cost_usd) AS total_cost_usd
FROM agent_unit_economics
WHERE workspace = decodeURLComponent('${workspace:percentencode}')
    AND $__dateFilter(day)
    AND $__conditionalAll(hex(agent_name) IN (${agent:sqlstring}), $agent)
    AND $__conditionalAll(hex(agent_version) IN (${version:sqlstring}), $version)
GROUP BY time, agent_version
ORDER BY time, total_cost_usd DESC, agent_version
LIMIT 20 BY time
