-- rework_by_reason: cost of attempts that were wasted, by day and reason: a part of the variable cost, never added to it; attempts of unknown cost stand beside it; at most 20 a day, dearest first.
SELECT
    toDateTime(day) AS time,
    rework_reason,
    sum(cost_usd) AS cost_usd
FROM rework
WHERE workspace = decodeURLComponent('${workspace:percentencode}')
    AND $__dateFilter(day)
    AND $__conditionalAll(hex(agent_name) IN (${agent:sqlstring}), $agent)
    AND $__conditionalAll(hex(agent_version) IN (${version:sqlstring}), $version)
GROUP BY time, rework_reason
ORDER BY time, cost_usd DESC, rework_reason
LIMIT 20 BY time
