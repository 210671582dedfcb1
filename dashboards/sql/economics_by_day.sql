-- economics_by_day: total cost (variable and amortized), value and margin of the runs, by day of their start.
SELECT
    toDateTime(day) AS time,
    sum(total_cost_usd) AS total_cost_usd,
    if(sum(unconverted_records) > 0, NULL, sum(value_usd)) AS value_usd,
    value_usd - total_cost_usd AS margin_usd
FROM agent_unit_economics
WHERE workspace = decodeURLComponent('${workspace:percentencode}')
    AND $__dateFilter(day)
    AND $__conditionalAll(hex(agent_name) IN (${agent:sqlstring}), $agent)
    AND $__conditionalAll(hex(agent_version) IN (${version:sqlstring}), $version)
GROUP BY time
ORDER BY time
