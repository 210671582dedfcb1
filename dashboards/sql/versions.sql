-- versions: the versions of the chosen agents that the variable of the dashboards offers.
SELECT DISTINCT agent_version
FROM agent_unit_economics
WHERE workspace = ${workspace:sqlstring}
    AND agent_version != ''
    AND $__conditionalAll(agent_name IN (${agent:sqlstring}), $agent)
ORDER BY agent_version
