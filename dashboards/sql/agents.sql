-- agents: the names of agents that the variable of the dashboards offers; its values are hex, as in a string of SQL a name could end it.
SELECT DISTINCT
    hex(agent_name) AS __value,
    agent_name AS __text
FROM agent_unit_economics
WHERE workspace = decodeURLComponent('${workspace:percentencode}') AND agent_name != ''
ORDER BY __text
