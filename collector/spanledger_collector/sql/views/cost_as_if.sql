-- cost_as_if: what model calls cost at the prices known at a time, or had they been made otherwise, beside what they were billed.
-- Changes nothing in the ledger. Token counts stay as they were. The same arithmetic as `spanledger reprice` (arithmetic/reprice.sql).
-- It takes all of these in each use: of_model (only calls of this model are changed; empty = all); set_provider, set_model
--   (names of the book; empty = as called); set_tier, set_region (empty = as served; standard, anywhere); set_cache_read_ppm
--   (cached input in millionths of uncached and cached input; -1 = as it was); as_known_at (the prices known then; 2149-01-01 =
--   all that is known); as_valid_at (the prices valid then; 1970-01-01 = when each call was made).
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
CREATE OR REPLACE VIEW cost_as_if AS
WITH
    asked AS
    (
        SELECT
            *,
            -- Of their own, so that a filter by workspace or day reaches the attempts that are read.
            workspace AS by_workspace,
            toDate(started_at) AS by_day,
            (
                tenant,
                agent_name,
                agent_version,
                toString(if(priced_provider != '', priced_provider, provider)),
                multiIf(priced_model != '', priced_model, response_model != '', response_model, request_model),
                toString(service_tier)
            ) AS by_key,
            false AS kept,
            false AS cached_stays
        FROM attempts FINAL
        WHERE counted AND operation NOT IN ('execute_tool', 'effort', 'expense', 'load_model')
    ),
    @include arithmetic/reprice
SELECT
    by_workspace AS workspace,
    by_day AS day,
    by_key.1 AS tenant,
    by_key.2 AS agent_name,
    by_key.3 AS agent_version,
    by_key.4 AS provider,
    by_key.5 AS model,
    by_key.6 AS service_tier,
    sum(group_attempts) AS attempts,
    sum(group_input) AS input_tokens,
    sum(group_output) AS output_tokens,
    sum(repriced) AS cost_usd,
    sumIf(group_attempts, NOT repriced_known) AS unknown_attempts,
    sumIf(group_attempts, repriced_partly) AS partial_attempts,
    sumIf(group_attempts, repriced_stands_in) AS stand_in_attempts,
    sumIf(repriced, estimated) AS estimated_usd,
    arraySort(groupUniqArrayArray(100)(absent)) AS missing,
    sum(billed) AS billed_usd,
    sumIf(group_attempts, NOT billed_known) AS billed_unknown_attempts,
    sumIf(group_attempts, billed_partly) AS billed_partial_attempts,
    sumIf(group_attempts, billed_stands_in) AS billed_stand_in_attempts,
    sumIf(repriced - billed, comparable) AS difference_usd,
    sumIf(group_attempts, comparable) AS compared_attempts
FROM compared
GROUP BY
    by_workspace,
    by_day,
    by_key;
