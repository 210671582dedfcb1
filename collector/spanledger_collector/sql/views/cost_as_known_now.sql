-- cost_as_known_now: what model calls cost at the prices that were valid when they were made, by all that is known of them now,
--   beside what they were billed: prices corrected since, models whose price was learned since. See cost_as_if.
-- grain: (workspace, day of the start, tenant, agent_name, agent_version, provider, model, service_tier), counted attempts of model
--   calls only. units: USD, tokens.
-- columns:
--   provider, model       as billed: of the price row; where there is none, as on the span
--   service_tier          as served; empty = standard
--   cost_usd              what they cost so; NULL = nothing of it is known
--   unknown_attempts      attempts whose cost is not known: in no sum, so cost_usd is a lower bound when > 0
--   partial_attempts      attempts of which a unit, a tier or a currency has no rate: in the sum with what is known of them
--   stand_in_attempts     those of them whose tier has no rates: standard rates stand in, which may be more than they cost
--   estimated_usd         the part of cost_usd whose usage was estimated
--   missing               what had no rate, by name
--   billed_usd, billed_unknown_attempts, billed_partial_attempts, billed_stand_in_attempts      the same attempts in cost_as_billed
--   difference_usd        cost_usd less billed_usd, of the attempts where both are known wholly: what has no rate is no saving
--   compared_attempts     attempts where both are known wholly
CREATE OR REPLACE VIEW cost_as_known_now
-- Its columns are declared, because to find them out takes as long as all other views together.
(
    workspace String,
    day Date,
    tenant LowCardinality(String),
    agent_name LowCardinality(String),
    agent_version LowCardinality(String),
    provider String,
    model String,
    service_tier LowCardinality(String),
    attempts UInt64,
    input_tokens UInt64,
    output_tokens UInt64,
    cost_usd Nullable(Decimal(38, 12)),
    unknown_attempts UInt64,
    partial_attempts UInt64,
    stand_in_attempts UInt64,
    estimated_usd Nullable(Decimal(38, 12)),
    missing Array(String),
    billed_usd Nullable(Decimal(38, 12)),
    billed_unknown_attempts UInt64,
    billed_partial_attempts UInt64,
    billed_stand_in_attempts UInt64,
    difference_usd Nullable(Decimal(38, 12)),
    compared_attempts UInt64
)
AS
SELECT *
FROM cost_as_if(
    of_model = '',
    set_provider = '',
    set_model = '',
    set_tier = '',
    set_region = '',
    set_cache_read_ppm = -1,
    as_known_at = '2149-01-01 00:00:00',
    as_valid_at = '1970-01-01 00:00:00'
);
