-- agents: the names of agents that the variable of the dashboards offers.
SELECT DISTINCT agent_name
FROM agent_unit_economics
WHERE workspace = ${workspace:sqlstring} AND agent_name != ''
ORDER BY agent_name
