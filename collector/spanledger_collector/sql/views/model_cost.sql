-- model_cost: what each model cost, by day and by whose attempts. Counted attempts of model calls only.
-- grain: (workspace, day of the start, tenant, agent_name, agent_version, provider, model). units: USD, 12 decimals; tokens.
-- columns:
--   provider, model      of the price row; where there is none, as on the span
--   calls                answers paid for or lost (attempts that are not retries); attempts adds the retries
--   failed_attempts      attempts that ended in an error, retried ones included
--   cost_usd             NULL when no cost of the row is known
--   rework_cost_usd      part of cost_usd that was wasted: 0 where nothing was; NULL when no cost of what was is known
--   estimated_cost_usd   part of cost_usd whose usage is estimated: 0 where none is
--   emitted_cost_usd     what the emitters claimed, kept beside ours
--   unpriced_attempts    attempts whose cost is unknown or partly unknown
--   stand_in_attempts    those of them whose tier has no rates: standard rates stand in, which may be more than they cost
--   unknown_rework_attempts   unpriced_attempts that were wasted: rework_cost_usd is a lower bound when above 0
CREATE OR REPLACE VIEW model_cost AS
SELECT
    a.workspace AS workspace,
    toDate(a.started_at) AS day,
    a.tenant AS tenant,
    a.agent_name AS agent_name,
    a.agent_version AS agent_version,
    @include arithmetic/priced_as
    countIf(a.outcome != 'retried') AS calls,
    count() AS attempts,
    countIf(a.outcome != 'ok') AS failed_attempts,
    sum(a.input_uncached_tokens) AS input_uncached_tokens,
    sum(a.cache_read_tokens) AS cache_read_tokens,
    sum(a.cache_write_5m_tokens) AS cache_write_5m_tokens,
    sum(a.cache_write_1h_tokens) AS cache_write_1h_tokens,
    sum(a.output_tokens) AS output_tokens,
    sum(a.reasoning_tokens) AS reasoning_tokens,
    sum(a.cost_usd) AS cost_usd,
    CAST(if(countIf(a.rework_reason != '') = 0, 0, sumIf(a.cost_usd, a.rework_reason != '')) AS Nullable(Decimal(38, 12))) AS rework_cost_usd,
    CAST(if(countIf(a.usage_source = 'estimated') = 0, 0, sumIf(a.cost_usd, a.usage_source = 'estimated')) AS Nullable(Decimal(38, 12))) AS estimated_cost_usd,
    sum(a.emitted_cost_usd) AS emitted_cost_usd,
    countIf(a.price_status IN ('unpriced', 'partial', 'unmetered')) AS unpriced_attempts,
    countIf(a.price_status IN ('unpriced', 'partial', 'unmetered') AND a.rework_reason != '') AS unknown_rework_attempts,
    countIf(a.cost_usd IS NOT NULL AND arrayExists(unit -> startsWith(unit, 'service_tier:'), a.unpriced_units)) AS stand_in_attempts
FROM attempts AS a FINAL
WHERE a.counted AND a.operation NOT IN ('execute_tool', 'effort', 'expense', 'load_model')
GROUP BY
    workspace,
    day,
    tenant,
    agent_name,
    agent_version,
    provider,
    model;
