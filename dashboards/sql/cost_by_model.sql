-- cost_by_model: variable cost of the model calls, by day and model as priced; at most 20 a day, dearest first.
SELECT
    toDateTime(day) AS time,
    model,
    sum(cost_usd) AS cost_usd
FROM model_cost
WHERE workspace = decodeURLComponent('${workspace:percentencode}')
    AND $__dateFilter(day)
    AND $__conditionalAll(hex(agent_name) IN (${agent:sqlstring}), $agent)
    AND $__conditionalAll(hex(agent_version) IN (${version:sqlstring}), $version)
GROUP BY time, model
ORDER BY time, cost_usd DESC, model
LIMIT 20 BY time
