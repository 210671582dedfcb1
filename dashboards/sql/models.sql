-- models: cost and tokens of each model, by day; costs and rework are lower bounds while attempts of unknown cost (unpriced, unknown rework) are above 0; at most 1000 rows, dearest first.
SELECT
    day,
    provider,
    model,
    sum(calls) AS calls,
    sum(attempts) AS attempts,
    sum(failed_attempts) AS failed_attempts,
    sum(cost_usd) AS cost_usd,
    sum(unpriced_attempts) AS unpriced_attempts,
    sum(rework_cost_usd) AS rework_cost_usd,
    sum(unknown_rework_attempts) AS unknown_rework_attempts,
    sum(estimated_cost_usd) AS estimated_cost_usd,
    sum(input_uncached_tokens) AS input_uncached_tokens,
    sum(cache_read_tokens) AS cache_read_tokens,
    sum(output_tokens) AS output_tokens
FROM model_cost
WHERE workspace = decodeURLComponent('${workspace:percentencode}')
    AND $__dateFilter(day)
    AND $__conditionalAll(hex(agent_name) IN (${agent:sqlstring}), $agent)
    AND $__conditionalAll(hex(agent_version) IN (${version:sqlstring}), $version)
GROUP BY day, provider, model
ORDER BY cost_usd DESC, day DESC
LIMIT 1000
