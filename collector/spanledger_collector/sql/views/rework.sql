-- rework: what was paid or waited for twice, by day, agent, model, prompt and reason. A view of the cost, never added to it.
-- grain: (workspace, day of the start, tenant, agent_name, agent_version, provider, model, prompt_name, prompt_version,
--   rework_reason). units: USD, 12 decimals; tokens; seconds.
-- columns:
--   provider, model       as priced; as called, where the book does not know it (for a tool its name)
--   rework_reason         transport_retry | failed | application_retry | regenerated | wrong | hallucinated | built_on_wrong |
--                         built_on_hallucinated | as told by the emitter
--   attempts              counted attempts that were wasted
--   cost_usd              their cost; NULL when none of it is known
--   unknown_cost_attempts those whose cost is not known (a timed-out attempt may have been billed)
--   wait_seconds          time spent waiting before trying again
CREATE OR REPLACE VIEW rework AS
SELECT
    a.workspace AS workspace,
    toDate(a.started_at) AS day,
    a.tenant AS tenant,
    a.agent_name AS agent_name,
    a.agent_version AS agent_version,
    @include arithmetic/priced_as
    a.prompt_name AS prompt_name,
    a.prompt_version AS prompt_version,
    a.rework_reason AS rework_reason,
    count() AS attempts,
    sum(a.input_uncached_tokens + a.cache_read_tokens + a.cache_write_5m_tokens + a.cache_write_1h_tokens) AS input_tokens,
    sum(a.output_tokens) AS output_tokens,
    sum(a.cost_usd) AS cost_usd,
    countIf(a.price_status IN ('unpriced', 'partial', 'unmetered')) AS unknown_cost_attempts,
    sum(a.wait_seconds) AS wait_seconds
FROM attempts AS a FINAL
WHERE a.counted AND a.rework_reason != ''
GROUP BY
    workspace,
    day,
    tenant,
    agent_name,
    agent_version,
    provider,
    model,
    prompt_name,
    prompt_version,
    rework_reason;
