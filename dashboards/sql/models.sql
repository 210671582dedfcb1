-- models: cost and tokens of each model, by day; at most 1000 rows, dearest first.
SELECT
    day, provider, model, calls, attempts, failed_attempts, cost_usd, rework_cost_usd, estimated_cost_usd, unpriced_attempts,
    input_uncached_tokens, cache_read_tokens, output_tokens
FROM model_cost
WHERE workspace = decodeURLComponent('${workspace:percentencode}')
    AND $__dateFilter(day)
ORDER BY cost_usd DESC, day DESC
LIMIT 1000
