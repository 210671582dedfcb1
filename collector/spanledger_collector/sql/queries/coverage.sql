-- coverage: how much of the usage is priced, over a period.
-- parameters: workspace; since, until (start of the call, until exclusive); agent_name, agent_version, tenant (empty = any).
-- grain: (price_status, usage_source). units: USD, tokens; ratios 0..1 of the period.
-- columns: price_status, usage_source, attempts, attempts_ratio, tokens, tokens_ratio, cost_usd (NULL = unknown).
SELECT
    a.price_status AS price_status,
    a.usage_source AS usage_source,
    count() AS attempts,
    attempts / sum(attempts) OVER () AS attempts_ratio,
    sum(a.input_uncached_tokens + a.cache_read_tokens + a.cache_write_5m_tokens + a.cache_write_1h_tokens + a.output_tokens) AS tokens,
    if(sum(tokens) OVER () = 0, 0., tokens / sum(tokens) OVER ()) AS tokens_ratio,
    sum(a.cost_usd) AS cost_usd
FROM attempts AS a FINAL
WHERE
    @include arithmetic/attempts_of_period
GROUP BY
    price_status,
    usage_source
ORDER BY
    attempts DESC,
    price_status,
    usage_source;
