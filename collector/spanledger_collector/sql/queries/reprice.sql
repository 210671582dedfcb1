-- reprice: what the attempts of a period were billed, and what they cost at the prices known at a time, or had they been made
--   otherwise: with another model, provider, tier, region or share of cached input. Changes nothing in the ledger.
-- By join, not row by row: attempts are summed first over what one price row prices alike (model, tier, region, quarter of an
--   hour, side of every threshold, units used), and then priced as one, which is exact where sums need no rounding. Where they
--   might (a rate with more than 12 decimals, another currency, parts of buckets, fractions of units), only equal usage is
--   put together.
-- parameters: workspace; since, until (start of the call, until exclusive); by (total | day | month | agent | tenant | model |
--   tier: what a row is); as_known_at (the prices known then); as_valid_at (the prices valid then; 1970-01-01 = when each call
--   was made); of_model (only calls of this model are changed; empty = all); set_provider, set_model (names of the book;
--   empty = as called); set_tier, set_region (empty = as served; standard, anywhere); set_cache_read_ppm (cached input in
--   millionths of uncached and cached input; -1 = as it was).
-- grain: one row a key, counted attempts of model calls only, most expensive first. units: USD, tokens.
-- columns: key, attempts, input_tokens, output_tokens, billed_usd (what stands in the ledger; NULL = unknown),
--   billed_unknown_attempts, repriced_usd, repriced_unknown_attempts, repriced_partial_attempts, difference_usd (repriced less
--   billed, of the attempts where both are known wholly: what has no rate is no saving), compared_attempts (those), estimated_usd (the part of the repriced cost whose
--   usage was estimated), missing (units, tiers and currencies without a rate).
WITH
    -- Days on which a price begins or ends within a quarter of an hour: their calls are told apart by the instant.
    fine_days AS
    (
        SELECT toDate(instant) AS day
        FROM
        (
            SELECT arrayJoin([valid_from, valid_to]) AS instant FROM prices
            UNION ALL
            SELECT arrayJoin([valid_from, valid_to]) AS instant FROM fx
            UNION ALL
            SELECT arrayJoin([valid_from, valid_to]) AS instant FROM model_aliases
        )
        WHERE instant != toStartOfInterval(instant, INTERVAL 15 MINUTE)
    ),
    fine_hours AS
    (
        SELECT count() > 0
        FROM prices
        WHERE arrayExists(h -> h.from % 15 != 0 OR h.until % 15 != 0, hours)
    ),
    thresholds AS
    (
        SELECT groupUniqArray(context_over_tokens) FROM prices
    ),
    -- Models with a rate that is no multiple of 10^-12 USD.
    fine_models AS
    (
        SELECT DISTINCT provider, model
        FROM prices
        WHERE currency != 'USD'
            OR arrayExists(
                rate -> ifNull(rate != trunc(rate, 12), false),
                [input_usd_per_token, cache_read_usd_per_token, cache_write_5m_usd_per_token, cache_write_1h_usd_per_token, output_usd_per_token]
            )
            OR arrayExists(rate -> (toDecimal256(rate.usd, 24) * 1000000000000) != trunc(toDecimal256(rate.usd, 24) * 1000000000000) OR toInt256(toDecimal256(rate.usd, 24) * 1000000000000) % rate.per != 0, mapValues(unit_rates))
    ),
    fine_ids AS
    (
        SELECT provider_seen, model_seen
        FROM model_aliases FINAL
        WHERE (provider, model) IN (SELECT provider, model FROM fine_models)
    ),
    called AS
    (
        SELECT
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
            ) AS key,
            toString(provider) AS provider_seen,
            request_model,
            response_model,
            {of_model:String} IN ('', request_model, response_model, priced_model) AS changed,
            changed AND {set_model:String} != '' AS moved,
            multiIf(NOT changed OR {set_tier:String} = '', toString(service_tier), {set_tier:String} = 'standard', '', {set_tier:String}) AS tier,
            multiIf(NOT changed OR {set_region:String} = '', toString(region), {set_region:String} = 'anywhere', '', {set_region:String}) AS region_priced,
            multiIf(
                {as_valid_at:DateTime64(3)} > toDateTime64('1970-01-02 00:00:00', 3, 'UTC'),
                {as_valid_at:DateTime64(3)},
                toDate(started_at) IN (SELECT day FROM fine_days) OR (SELECT * FROM fine_hours),
                toDateTime64(started_at, 3),
                toDateTime64(toStartOfInterval(started_at, INTERVAL 15 MINUTE), 3, 'UTC')
            ) AS used_at,
            usage_source IN ('provider', 'estimated') AS has_usage,
            usage_source = 'estimated' AS estimated,
            price_status = 'not_billed' AS not_billed,
            a.cost_usd AS billed,
            isNotNull(billed) AS billed_known,
            billed_known AND price_status != 'partial' AS billed_whole,
            if(
                changed AND {set_cache_read_ppm:Int32} >= 0,
                intDiv((a.input_uncached_tokens + a.cache_read_tokens) * toUInt64(greatest({set_cache_read_ppm:Int32}, 0)), 1000000),
                a.cache_read_tokens
            ) AS cache_read_tokens,
            toUInt64(a.input_uncached_tokens + a.cache_read_tokens - cache_read_tokens) AS input_uncached_tokens,
            cache_write_5m_tokens AS cache_write_5m,
            cache_write_1h_tokens AS cache_write_1h,
            output_tokens,
            least(a.reasoning_tokens, a.output_tokens) AS reasoning_tokens,
            input_uncached_tokens + cache_read_tokens + cache_write_5m + cache_write_1h AS input_total,
            used_units AS units,
            arrayCount(t -> t < input_total, (SELECT * FROM thresholds)) AS above,
            (
                input_uncached_tokens > 0, cache_read_tokens > 0, cache_write_5m > 0, cache_write_1h > 0, output_tokens > reasoning_tokens,
                reasoning_tokens > 0
            ) AS used_buckets,
            mapKeys(units) AS unit_names,
            notEmpty(units) AND arrayExists((unit, quantity) -> match(unit, '_(input|cache_read|output)$') OR quantity != trunc(quantity), mapKeys(units), mapValues(units)) AS parted,
            if(
                parted
                OR if(
                    moved,
                    ({set_provider:String}, {set_model:String}) IN (SELECT provider, model FROM fine_models),
                    (provider_seen, response_model) IN (SELECT provider_seen, model_seen FROM fine_ids)
                        OR (provider_seen, request_model) IN (SELECT provider_seen, model_seen FROM fine_ids)
                ),
                [input_uncached_tokens, cache_read_tokens, cache_write_5m, cache_write_1h, output_tokens, reasoning_tokens],
                []
            ) AS fine_tokens,
            if(parted, mapValues(units), []) AS fine_units
        FROM
        (
            SELECT *
            FROM attempts FINAL
            WHERE workspace = {workspace:String}
                AND started_at >= {since:DateTime64(9)}
                AND started_at < {until:DateTime64(9)}
                AND counted
                AND operation NOT IN ('execute_tool', 'effort', 'expense')
        ) AS a
    ),
    -- What one price row prices alike, summed; fine usage: one of several that are equal, and how often.
    summed AS
    (
        SELECT
            key,
            provider_seen,
            request_model,
            response_model,
            moved,
            tier,
            region_priced,
            used_at,
            has_usage,
            notEmpty(fine_tokens) AS alike,
            count() AS attempts,
            (
                key, attempts, if(alike, attempts, 1), estimated, not_billed, billed_known, sum(billed),
                sum(c.input_total), sum(c.output_tokens), billed_whole
            ) AS fact,
            if(alike, any(c.input_uncached_tokens), sum(c.input_uncached_tokens)) AS input_uncached_tokens,
            if(alike, any(c.cache_read_tokens), sum(c.cache_read_tokens)) AS cache_read_tokens,
            if(alike, any(c.cache_write_5m), sum(c.cache_write_5m)) AS cache_write_5m,
            if(alike, any(c.cache_write_1h), sum(c.cache_write_1h)) AS cache_write_1h,
            if(alike, any(c.output_tokens), sum(c.output_tokens)) AS output_tokens,
            if(alike, any(c.reasoning_tokens), sum(c.reasoning_tokens)) AS reasoning_tokens,
            if(alike, any(c.units), sumMap(c.units)) AS units,
            any(c.input_total) AS input_total
        FROM called AS c
        GROUP BY
            key,
            provider_seen,
            request_model,
            response_model,
            moved,
            tier,
            region_priced,
            used_at,
            has_usage,
            estimated,
            not_billed,
            billed_known,
            billed_whole,
            above,
            used_buckets,
            unit_names,
            fine_tokens,
            fine_units
    ),
    used AS
    (
        SELECT
            fact,
            provider_seen,
            request_model,
            response_model,
            if(moved, {set_provider:String}, '') AS set_provider,
            if(moved, {set_model:String}, '') AS set_model,
            tier,
            region_priced AS region,
            used_at,
            {as_known_at:DateTime64(3)} AS known_at,
            if(alike, 1, attempts) AS calls,
            has_usage,
            input_uncached_tokens,
            cache_read_tokens,
            cache_write_5m,
            cache_write_1h,
            output_tokens,
            0 AS input_less,
            0 AS input_more,
            0 AS output_less,
            0 AS output_more,
            input_total,
            units,
            @include arithmetic/parts
        FROM summed
    ),
    book_models AS
    (
        SELECT provider, model FROM model_aliases
        UNION ALL
        SELECT {set_provider:String}, {set_model:String}
    ),
    @include arithmetic/price
    -- One row a group, with what it was billed and what it costs now.
    compared AS
    (
        SELECT
            fact.1 AS key,
            fact.2 AS group_attempts,
            fact.3 AS repeated,
            fact.4 AS estimated,
            fact.5 AS not_billed,
            fact.6 AS billed_known,
            fact.7 AS billed,
            fact.8 AS group_input,
            fact.9 AS group_output,
            fact.10 AS billed_whole,
            multiIf(not_billed, toDecimal128(0, 12), isNull(cost), NULL, cost * repeated) AS repriced,
            isNotNull(repriced) AS repriced_known,
            if(not_billed, 'not_billed', state) AS repriced_state,
            billed_whole AND repriced_known AND repriced_state != 'partial' AS comparable,
            if(not_billed, [], unpriced_units) AS absent
        FROM valued
    )
SELECT
    key,
    sum(group_attempts) AS attempts,
    sum(group_input) AS input_tokens,
    sum(group_output) AS output_tokens,
    sum(billed) AS billed_usd,
    sumIf(group_attempts, NOT billed_known) AS billed_unknown_attempts,
    sum(repriced) AS repriced_usd,
    sumIf(group_attempts, NOT repriced_known) AS repriced_unknown_attempts,
    sumIf(group_attempts, repriced_state = 'partial') AS repriced_partial_attempts,
    sumIf(repriced - billed, comparable) AS difference_usd,
    sumIf(group_attempts, comparable) AS compared_attempts,
    sumIf(repriced, estimated) AS estimated_usd,
    arraySort(groupUniqArrayArray(100)(absent)) AS missing
FROM compared
GROUP BY key
ORDER BY
    repriced_usd DESC NULLS LAST,
    key;
