-- reprice: what the attempts of a period were billed, and what they cost at the prices known at a time, or had they been made
--   otherwise: with another model, provider, tier, region or share of cached input. Changes nothing in the ledger.
-- How, and why that is exact: arithmetic/reprice.sql.
-- parameters: workspace; since, until (start of the call, until exclusive); by (total | day | month | agent | tenant | model |
--   tier: what a row is); as_known_at (the prices known then); as_valid_at (the prices valid then; 1970-01-01 = when each call
--   was made); of_model (only calls of this model are changed; empty = all); set_provider, set_model (names of the book;
--   empty = as called); set_tier, set_region (empty = as served; standard, anywhere); set_cache_read_ppm (cached input in
--   millionths of uncached and cached input; -1 = as it was).
-- grain: one row a key, counted attempts of model calls only, most expensive first. units: USD, tokens.
-- columns: key, attempts, input_tokens, output_tokens, billed_usd (what stands in the ledger; NULL = unknown),
--   billed_unknown_attempts, billed_partial_attempts (in the sum with what is known of them), billed_stand_in_attempts (those of
--   them whose tier has no rates, for which standard rates stand in: that may be more than the truth), repriced_usd,
--   repriced_unknown_attempts, repriced_partial_attempts, repriced_stand_in_attempts, difference_usd (repriced less
--   billed, of the attempts where both are known wholly: what has no rate is no saving), compared_attempts (those), estimated_usd
--   (the part of the repriced cost whose usage was estimated), missing (units, tiers and currencies without a rate).
WITH
    asked AS
    (
        SELECT
            *,
            multiIf(
                {by:String} = 'day', toString(toDate(started_at)),
                {by:String} = 'month', formatDateTime(started_at, '%Y-%m'),
                {by:String} = 'agent', agent_name,
                {by:String} = 'tenant', tenant,
                {by:String} = 'model', if(
                    priced_model != '',
                    priced_provider || '/' || priced_model,
                    provider || '/' || if(response_model != '', response_model, request_model)
                ),
                {by:String} = 'tier', if(service_tier = '', 'standard', toString(service_tier)),
                'total'
            ) AS by_key,
            false AS kept,
            false AS cached_stays
        FROM attempts FINAL
        WHERE workspace = {workspace:String}
            AND started_at >= {since:DateTime64(9)}
            AND started_at < {until:DateTime64(9)}
            AND counted
            AND operation NOT IN ('execute_tool', 'effort', 'expense', 'load_model')
    ),
    @include arithmetic/reprice
SELECT
    by_key AS key,
    sum(group_attempts) AS attempts,
    sum(group_input) AS input_tokens,
    sum(group_output) AS output_tokens,
    sum(billed) AS billed_usd,
    sumIf(group_attempts, NOT billed_known) AS billed_unknown_attempts,
    sumIf(group_attempts, billed_partly) AS billed_partial_attempts,
    sumIf(group_attempts, billed_stands_in) AS billed_stand_in_attempts,
    sum(repriced) AS repriced_usd,
    sumIf(group_attempts, NOT repriced_known) AS repriced_unknown_attempts,
    sumIf(group_attempts, repriced_partly) AS repriced_partial_attempts,
    sumIf(group_attempts, repriced_stands_in) AS repriced_stand_in_attempts,
    sumIf(repriced - billed, comparable) AS difference_usd,
    sumIf(group_attempts, comparable) AS compared_attempts,
    sumIf(repriced, estimated) AS estimated_usd,
    arraySort(groupUniqArrayArray(100)(absent)) AS missing
FROM compared
GROUP BY key
ORDER BY
    repriced_usd DESC NULLS LAST,
    key;
