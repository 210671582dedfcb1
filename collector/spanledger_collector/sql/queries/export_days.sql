-- export_days: unit economics of each day, agent, version and tenant, for export.
-- parameters: workspace; since, until (whole days, until exclusive).
-- grain: one row a day, agent, version and tenant. columns: those of the view agent_unit_economics.
SELECT *
FROM agent_unit_economics
WHERE workspace = {workspace:String}
    AND day >= toDate({since:DateTime64(9)}, 'UTC')
    AND day <= toDate({until:DateTime64(9)} - INTERVAL 1 NANOSECOND, 'UTC')
ORDER BY
    day,
    agent_name,
    agent_version,
    tenant;
