-- gpu_bill_by_day: what GPUs of one's own were billed for the calls of all agents, by day, and where it went: calls, loading models, idle time; time without a rate is in none.
SELECT
    toDateTime(day) AS time,
    sum(attributed_usd) AS attributed_usd,
    sum(load_usd) AS load_usd,
    sum(idle_usd) AS idle_usd
FROM gpu_bill
WHERE workspace = decodeURLComponent('${workspace:percentencode}')
    AND $__dateFilter(day)
GROUP BY time
ORDER BY time
