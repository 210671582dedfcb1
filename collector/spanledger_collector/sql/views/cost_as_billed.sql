-- cost_as_billed: what model calls were billed, by all that usually is asked for; the columns of cost_as_known_now and cost_as_if.
-- grain: (workspace, day of the start, tenant, agent_name, agent_version, provider, model, service_tier), counted attempts of model
--   calls only. units: USD, tokens.
-- columns:
--   provider, model       as billed: of the price row; where there is none, as on the span
--   service_tier          as served; empty = standard
--   cost_usd              what stands in the ledger: the price valid at the call, as known when its span came; NULL = nothing of it is known
--   unknown_attempts      attempts whose cost is not known: in no sum, so cost_usd is a lower bound when > 0
--   partial_attempts      attempts of which a unit, a tier or a currency has no rate: in the sum with what is known of them
--   stand_in_attempts     those of them whose tier has no rates: standard rates stand in, which may be more than they cost
--   estimated_usd         the part of cost_usd whose usage was estimated
--   missing               what had no rate, by name
CREATE OR REPLACE VIEW cost_as_billed AS
SELECT
    a.workspace AS workspace,
    toDate(a.started_at) AS day,
    a.tenant AS tenant,
    a.agent_name AS agent_name,
    a.agent_version AS agent_version,
    toString(a.provider_key) AS provider,
    a.model_key AS model,
    toString(a.service_tier) AS service_tier,
    count() AS attempts,
    sum(a.input_uncached_tokens + a.cache_read_tokens + a.cache_write_5m_tokens + a.cache_write_1h_tokens) AS input_tokens,
    sum(a.output_tokens) AS output_tokens,
    sum(a.cost_usd) AS cost_usd,
    countIf(a.cost_usd IS NULL) AS unknown_attempts,
    countIf(a.price_status = 'partial') AS partial_attempts,
    countIf(a.cost_usd IS NOT NULL AND arrayExists(unit -> startsWith(unit, 'service_tier:'), a.unpriced_units)) AS stand_in_attempts,
    sumIf(a.cost_usd, a.usage_source = 'estimated') AS estimated_usd,
    arraySort(groupUniqArrayArray(100)(a.unpriced_units)) AS missing
FROM attempts AS a FINAL
WHERE a.counted AND a.operation NOT IN ('execute_tool', 'effort', 'expense', 'load_model')
GROUP BY
    workspace,
    day,
    tenant,
    agent_name,
    agent_version,
    provider,
    model,
    service_tier;
