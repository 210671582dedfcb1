-- versions: the versions of the chosen agents that the variable of the dashboards offers; its values are hex, as in a string of SQL a name could end it.
SELECT DISTINCT
    hex(agent_version) AS __value,
    agent_version AS __text
FROM agent_unit_economics
WHERE workspace = decodeURLComponent('${workspace:percentencode}')
    AND agent_version != ''
    AND $__conditionalAll(hex(agent_name) IN (${agent:sqlstring}), $agent)
ORDER BY __text
