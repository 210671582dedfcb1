-- attempts_by: what counted attempts cost and used, by model, tool or what they were wasted on: where the variable cost goes.
-- parameters: workspace; since, until (start of the call, until exclusive); agent_name, agent_version, tenant (empty = any); by (total |
--   model | tool | rework).
-- grain: one row a key, most expensive first; by rework only attempts that were wasted. units: USD, 12 decimals; tokens; seconds;
--   ratios 0..1.
-- columns: provider (of the price; by model only), key (model as priced, else as called; nearest tool, empty = none; rework reason; total),
--   attempts, failed_attempts, input_tokens, output_tokens, cost_usd (NULL = unknown), cost_ratio (of the cost of all rows; NULL where
--   nothing was paid), rework_cost_usd, estimated_cost_usd (0 where nothing was wasted, or estimated), unpriced_attempts, unknown_rework_attempts (of them wasted), known_cost_ratio, wait_seconds (before trying again).
SELECT
    if({by:String} = 'model', a.provider_key, '') AS provider,
    -- An if whose condition is known beforehand is the column itself: the engine groups by its dictionary.
    if({by:String} = 'model', a.model_key, if({by:String} = 'tool', a.tool_name, if({by:String} = 'rework', a.rework_reason, 'total'))) AS key,
    count() AS attempts,
    countIf(a.outcome != 'ok') AS failed_attempts,
    sum(a.input_uncached_tokens + a.cache_read_tokens + a.cache_write_5m_tokens + a.cache_write_1h_tokens) AS input_tokens,
    sum(a.output_tokens) AS output_tokens,
    sum(a.cost_usd) AS cost_usd,
    toFloat64(cost_usd) / nullIf(sum(toFloat64(ifNull(cost_usd, 0))) OVER (), 0) AS cost_ratio,
    CAST(if(countIf(a.rework_reason != '') = 0, 0, sumIf(a.cost_usd, a.rework_reason != '')) AS Nullable(Decimal(38, 12))) AS rework_cost_usd,
    CAST(if(countIf(a.usage_source = 'estimated') = 0, 0, sumIf(a.cost_usd, a.usage_source = 'estimated')) AS Nullable(Decimal(38, 12))) AS estimated_cost_usd,
    countIf(a.price_status IN ('unpriced', 'partial', 'unmetered')) AS unpriced_attempts,
    countIf(a.price_status IN ('unpriced', 'partial', 'unmetered') AND a.rework_reason != '') AS unknown_rework_attempts,
    1. - unpriced_attempts / attempts AS known_cost_ratio,
    -- To the nanosecond: sums of floats end in digits that nobody told.
    round(sum(a.wait_seconds), 9) AS wait_seconds
FROM attempts AS a FINAL
WHERE
    @include arithmetic/attempts_of_period
    AND ({by:String} != 'rework' OR a.rework_reason != '')
    AND ({by:String} != 'model' OR a.operation NOT IN ('execute_tool', 'effort', 'expense', 'load_model'))
GROUP BY
    provider,
    key
ORDER BY
    cost_usd DESC NULLS LAST,
    provider,
    key;
