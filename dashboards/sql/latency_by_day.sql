-- latency_by_day: time that 95% of the runs of an agent took at most, of its slowest version and tenant that day; at most 20 a day, slowest first.
SELECT
    toDateTime(day) AS time,
    agent_name,
    max(p95_duration_ns) AS p95_duration_ns
FROM agent_unit_economics
WHERE workspace = decodeURLComponent('${workspace:percentencode}')
    AND $__dateFilter(day)
    AND $__conditionalAll(hex(agent_name) IN (${agent:sqlstring}), $agent)
    AND $__conditionalAll(hex(agent_version) IN (${version:sqlstring}), $version)
GROUP BY time, agent_name
ORDER BY time, p95_duration_ns DESC, agent_name
LIMIT 20 BY time
