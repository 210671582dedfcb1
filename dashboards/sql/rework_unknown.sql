-- rework_unknown: wasted attempts whose cost nobody knows, by day and reason: they are in no cost of rework, and may have been billed; at most 20 a day, most first.
SELECT
    toDateTime(day) AS time,
    rework_reason,
    sum(unknown_cost_attempts) AS unknown_cost_attempts
FROM rework
WHERE workspace = decodeURLComponent('${workspace:percentencode}')
    AND $__dateFilter(day)
    AND $__conditionalAll(hex(agent_name) IN (${agent:sqlstring}), $agent)
    AND $__conditionalAll(hex(agent_version) IN (${version:sqlstring}), $version)
GROUP BY time, rework_reason
ORDER BY time, unknown_cost_attempts DESC, rework_reason
LIMIT 20 BY time
