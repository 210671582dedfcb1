-- models: cost and tokens of each model over a period of whole days.
-- parameters: workspace; since, until (start of the call, until exclusive; days are taken whole).
-- grain: (provider, model), most expensive first. units: USD, tokens.
-- columns: provider, model, calls, attempts, failed_attempts, input_uncached_tokens, cache_read_tokens, cache_write_5m_tokens,
--   cache_write_1h_tokens, output_tokens, reasoning_tokens, cost_usd (NULL = unknown), rework_cost_usd, estimated_cost_usd
--   (0 where nothing was wasted or estimated), emitted_cost_usd, unpriced_attempts, unknown_rework_attempts (of them wasted), stand_in_attempts, known_cost_ratio.
SELECT
    provider,
    model,
    sum(m.calls) AS calls,
    sum(m.attempts) AS attempts,
    sum(m.failed_attempts) AS failed_attempts,
    sum(m.input_uncached_tokens) AS input_uncached_tokens,
    sum(m.cache_read_tokens) AS cache_read_tokens,
    sum(m.cache_write_5m_tokens) AS cache_write_5m_tokens,
    sum(m.cache_write_1h_tokens) AS cache_write_1h_tokens,
    sum(m.output_tokens) AS output_tokens,
    sum(m.reasoning_tokens) AS reasoning_tokens,
    sum(m.cost_usd) AS cost_usd,
    sum(m.rework_cost_usd) AS rework_cost_usd,
    sum(m.estimated_cost_usd) AS estimated_cost_usd,
    sum(m.emitted_cost_usd) AS emitted_cost_usd,
    sum(m.unpriced_attempts) AS unpriced_attempts,
    sum(m.unknown_rework_attempts) AS unknown_rework_attempts,
    sum(m.stand_in_attempts) AS stand_in_attempts,
    if(sum(m.attempts) = 0, 1., 1. - sum(m.unpriced_attempts) / sum(m.attempts)) AS known_cost_ratio
FROM model_cost AS m
WHERE workspace = {workspace:String}
    AND day >= toDate({since:DateTime64(9)}, 'UTC')
    AND day <= toDate({until:DateTime64(9)} - INTERVAL 1 NANOSECOND, 'UTC')
GROUP BY
    provider,
    model
ORDER BY
    cost_usd DESC NULLS LAST,
    provider,
    model;
