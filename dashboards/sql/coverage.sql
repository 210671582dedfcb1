-- coverage: counted attempts by day and what is known of their price: unpriced, partial and unmetered ones are not wholly in any cost.
SELECT
    toDateTime(day) AS time,
    price_status,
    sum(attempts) AS attempts
FROM coverage
WHERE workspace = decodeURLComponent('${workspace:percentencode}')
    AND $__dateFilter(day)
    AND $__conditionalAll(hex(agent_name) IN (${agent:sqlstring}), $agent)
    AND $__conditionalAll(hex(agent_version) IN (${version:sqlstring}), $version)
GROUP BY time, price_status
ORDER BY time, price_status
