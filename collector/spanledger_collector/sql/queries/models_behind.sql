-- models_behind: the model ids of the counted attempts that a figure sums, as called, as answered and as priced; and the sum of all.
-- parameters: workspace; since, until (start of the call, until exclusive); agent_name, agent_version, tenant, rework_reason,
--   price_status, usage_source, price_id, model_ids, path, by (total | agent | version | model | prompt | tenant: what key is), key, only (calls | work | rework |
--   used | appraisal | prevention | quality: any of them with a comma between; all of it: arithmetic/attempts_asked); limit; offset (so many of the
--   dearest are left out).
-- grain: one row (provider, request_model, response_model, priced_provider, priced_model, price_status, usage_source), dearest first.
--   units: USD, 12 decimals; tokens. What begins with all_ is of every attempt asked for, whatever the limit, the same in each row.
-- columns: provider, request_model, response_model, priced_provider, priced_model (empty = not in the book), price_status, usage_source,
--   attempts, tokens, cost_usd (NULL = unknown), all_models (rows without a limit), all_attempts, all_unpriced_attempts, all_tokens,
--   all_cost_usd (NULL = unknown).
SELECT
    a.provider AS provider,
    a.request_model AS request_model,
    a.response_model AS response_model,
    a.priced_provider AS priced_provider,
    a.priced_model AS priced_model,
    a.price_status AS price_status,
    a.usage_source AS usage_source,
    count() AS attempts,
    sum(a.input_uncached_tokens + a.cache_read_tokens + a.cache_write_5m_tokens + a.cache_write_1h_tokens + a.output_tokens) AS tokens,
    sum(a.cost_usd) AS cost_usd,
    count() OVER () AS all_models,
    sum(attempts) OVER () AS all_attempts,
    sumIf(attempts, price_status IN ('unpriced', 'partial', 'unmetered')) OVER () AS all_unpriced_attempts,
    sum(tokens) OVER () AS all_tokens,
    sum(cost_usd) OVER () AS all_cost_usd
FROM attempts AS a FINAL
WHERE
    @include arithmetic/attempts_asked
GROUP BY
    provider,
    request_model,
    response_model,
    priced_provider,
    priced_model,
    price_status,
    usage_source
ORDER BY
    cost_usd DESC NULLS LAST,
    attempts DESC,
    provider,
    request_model,
    response_model,
    priced_provider,
    priced_model,
    price_status,
    usage_source
LIMIT {limit:UInt32} OFFSET {offset:UInt32};
