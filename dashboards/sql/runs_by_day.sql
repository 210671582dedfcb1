-- runs_by_day: runs by day of their start, and how many of what was asked for (runs of agents that no agent called) succeeded and failed.
SELECT
    toDateTime(day) AS time,
    sum(runs) AS runs,
    sum(top_successful_runs) AS successes,
    sum(top_failed_runs) AS failures
FROM agent_unit_economics
WHERE workspace = decodeURLComponent('${workspace:percentencode}')
    AND $__dateFilter(day)
    AND $__conditionalAll(hex(agent_name) IN (${agent:sqlstring}), $agent)
    AND $__conditionalAll(hex(agent_version) IN (${version:sqlstring}), $version)
GROUP BY time
ORDER BY time
