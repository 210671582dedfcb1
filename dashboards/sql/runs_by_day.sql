-- runs_by_day: runs by day of their start, and those of them that succeeded.
SELECT
    toDateTime(day) AS time,
    sum(runs) AS runs,
    sum(successful_runs) AS successful_runs
FROM agent_unit_economics
WHERE workspace = decodeURLComponent('${workspace:percentencode}')
    AND $__dateFilter(day)
    AND $__conditionalAll(hex(agent_name) IN (${agent:sqlstring}), $agent)
    AND $__conditionalAll(hex(agent_version) IN (${version:sqlstring}), $version)
GROUP BY time
ORDER BY time
