-- energy: energy and CO2e of each agent's calls to models on GPUs of one's own, by day; what is not known (hosted models) is counted beside it; at most 1000 rows, most energy first.
SELECT
    day, agent_name, agent_version, runs, calls, unknown_energy_calls, energy_kwh_low, energy_kwh_high, co2e_kg_low, co2e_kg_high
FROM agent_energy
WHERE workspace = decodeURLComponent('${workspace:percentencode}')
    AND $__dateFilter(day)
    AND $__conditionalAll(hex(agent_name) IN (${agent:sqlstring}), $agent)
    AND $__conditionalAll(hex(agent_version) IN (${version:sqlstring}), $version)
ORDER BY energy_kwh_high DESC, day DESC, agent_name, agent_version
LIMIT 1000
