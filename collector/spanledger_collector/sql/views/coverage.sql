-- coverage: how much of the usage is priced, and on what evidence. Counted attempts only.
-- grain: (workspace, day of the start, tenant, agent_name, agent_version, price_status, usage_source). units: USD, 12 decimals; tokens.
-- columns:
--   price_status    priced | free | partial (a used unit has no rate) | unpriced (no price row) | unmetered (no usage) | not_billed
--   usage_source    provider | estimated | missing | none (nothing was used)
--   tokens          all input and output
--   cost_usd        NULL when unknown
CREATE OR REPLACE VIEW coverage AS
SELECT
    a.workspace AS workspace,
    toDate(a.started_at) AS day,
    a.tenant AS tenant,
    a.agent_name AS agent_name,
    a.agent_version AS agent_version,
    a.price_status AS price_status,
    a.usage_source AS usage_source,
    count() AS attempts,
    sum(a.input_uncached_tokens + a.cache_read_tokens + a.cache_write_5m_tokens + a.cache_write_1h_tokens + a.output_tokens) AS tokens,
    sum(a.cost_usd) AS cost_usd
FROM attempts AS a FINAL
WHERE a.counted
GROUP BY
    workspace,
    day,
    tenant,
    agent_name,
    agent_version,
    price_status,
    usage_source;
