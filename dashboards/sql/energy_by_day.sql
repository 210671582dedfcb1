-- energy_by_day: the high end of the energy of each agent's calls to models on GPUs of one's own, by day; at most 20 a day, most first.
SELECT
    toDateTime(day) AS time,
    agent_name,
    sum(energy_kwh_high) AS energy_kwh_high
FROM agent_energy
WHERE workspace = decodeURLComponent('${workspace:percentencode}')
    AND $__dateFilter(day)
    AND $__conditionalAll(hex(agent_name) IN (${agent:sqlstring}), $agent)
    AND $__conditionalAll(hex(agent_version) IN (${version:sqlstring}), $version)
GROUP BY time, agent_name
ORDER BY time, energy_kwh_high DESC, agent_name
LIMIT 20 BY time
