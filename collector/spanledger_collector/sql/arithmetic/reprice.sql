-- reprice: what calls were billed beside what they cost at other prices or made otherwise, as common table expressions from
--   `asked` to `compared`. The query reprice and the view cost_as_if include it; the arithmetic itself is arithmetic/price.sql.
-- By join, not row by row: calls are summed first over what one price row prices alike (model, tier, region, time between two
--   changes of a price, side of every threshold, units used), and then priced as one, which is exact where sums need no
--   rounding. Where they might (a rate with more than 12 decimals, another currency, parts of buckets, fractions of units),
--   only equal usage is put together.
-- reads `asked`: columns of attempts, kept (stays as it was, whatever the change), cached_stays (a share of cached input only adds), and by_...: what rows of the answer stand for. (by_key, a tuple where it is of several
--   columns: each further one takes the engine long to plan; a column of its own is what a reader's filter has to reach attempts by.) parameters: those of the query reprice
--   but workspace, since, until and by.
-- gives `compared`, a few rows for each combination of by_...: sums of attempts that are alike in what is known of them. units:
--   USD, tokens.

-- Models of the book that calls may be priced as.
book_models AS
(
    SELECT toString(provider) AS provider, model FROM model_aliases
    UNION ALL
    SELECT {set_provider:String}, {set_model:String}
),
-- All of them: to look for those that were called takes longer than to read the rest.
model_ids AS
(
    SELECT provider_seen, model_seen FROM model_aliases
),
-- The instants at which a price, a rate of a currency or the meaning of a name changes, in milliseconds: between two of them a
-- call costs the same whenever it is made.
changes AS
(
    SELECT arraySort(groupUniqArray(toUnixTimestamp64Milli(instant)))
    FROM
    (
        SELECT toDateTime64(0, 3, 'UTC') AS instant
        UNION ALL
        SELECT arrayJoin([valid_from, valid_to]) FROM prices WHERE (provider, model) IN (SELECT provider, model FROM book_models)
        UNION ALL
        SELECT arrayJoin([valid_from, valid_to]) FROM fx
        UNION ALL
        SELECT arrayJoin([valid_from, valid_to]) FROM model_aliases
    )
),
thresholds AS
(
    SELECT groupUniqArray(context_over_tokens) FROM prices WHERE (provider, model) IN (SELECT provider, model FROM book_models)
),
-- Prices of hours: their calls are told apart by the quarter of an hour, or by the instant where hours end between.
fine_hours AS
(
    SELECT count() > 0
    FROM prices
    WHERE arrayExists(h -> h.from % 15 != 0 OR h.until % 15 != 0, hours)
),
timed_models AS
(
    SELECT DISTINCT provider, model
    FROM prices
    WHERE notEmpty(hours)
),
timed_ids AS
(
    SELECT provider_seen, model_seen
    FROM model_aliases
    WHERE (provider, model) IN (SELECT provider, model FROM timed_models)
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
        OR arrayExists(
            rate -> (toDecimal256(rate.usd, 24) * 1000000000000) != trunc(toDecimal256(rate.usd, 24) * 1000000000000)
                OR toInt256(toDecimal256(rate.usd, 24) * 1000000000000) % rate.per != 0,
            mapValues(unit_rates)
        )
),
fine_ids AS
(
    SELECT provider_seen, model_seen
    FROM model_aliases
    WHERE (provider, model) IN (SELECT provider, model FROM fine_models)
),
called AS
(
    SELECT
        COLUMNS('^by_'),
        toString(provider) AS provider_seen,
        request_model,
        response_model,
        NOT kept AND {of_model:String} IN ('', request_model, response_model, priced_model) AS changed,
        changed AND {set_model:String} != '' AS moved,
        multiIf(NOT changed OR {set_tier:String} = '', toString(service_tier), {set_tier:String} = 'standard', '', {set_tier:String}) AS tier,
        multiIf(NOT changed OR {set_region:String} = '', toString(region), {set_region:String} = 'anywhere', '', {set_region:String}) AS region_priced,
        if(
            moved,
            ({set_provider:String}, {set_model:String}) IN (SELECT provider, model FROM timed_models),
            (provider_seen, response_model) IN (SELECT provider_seen, model_seen FROM timed_ids)
                OR (provider_seen, request_model) IN (SELECT provider_seen, model_seen FROM timed_ids)
        ) AS timed,
        roundDown(toUnixTimestamp64Milli(started_at), (SELECT * FROM changes)) AS changed_at,
        multiIf(
            {as_valid_at:DateTime64(3)} > toDateTime64('1970-01-02 00:00:00', 3, 'UTC'), toUnixTimestamp64Milli({as_valid_at:DateTime64(3)}),
            NOT timed, changed_at,
            (SELECT * FROM fine_hours), toUnixTimestamp64Milli(started_at),
            greatest(changed_at, intDiv(toUnixTimestamp64Milli(started_at), 900000) * 900000)
        ) AS used_at_ms,
        usage_source IN ('provider', 'estimated') AS has_usage,
        usage_source = 'estimated' AS estimated,
        price_status = 'not_billed' AS not_billed,
        a.cost_usd AS billed,
        isNotNull(billed) AS billed_known,
        billed_known AND price_status != 'partial' AS billed_whole,
        billed_known AND arrayExists(unit -> startsWith(unit, 'service_tier:'), a.unpriced_units) AS billed_stands_in,
        if(
            changed AND {set_cache_read_ppm:Int32} >= 0,
            greatest(
                intDiv((a.input_uncached_tokens + a.cache_read_tokens) * toUInt64(greatest({set_cache_read_ppm:Int32}, 0)), 1000000),
                if(cached_stays, a.cache_read_tokens, 0)
            ),
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
        notEmpty(units)
            AND arrayExists(
                (unit, quantity) -> match(unit, '_(input|cache_read|output)$') OR quantity != trunc(quantity),
                mapKeys(units),
                mapValues(units)
            ) AS parted,
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
    FROM asked AS a
),
-- What one price row prices alike, summed; fine usage: one of several that are equal, and how often.
summed AS
(
    SELECT
        COLUMNS('^by_'),
        provider_seen,
        request_model,
        response_model,
        moved,
        tier,
        region_priced,
        used_at_ms,
        has_usage,
        estimated,
        not_billed,
        billed_known,
        billed_whole,
        billed_stands_in,
        above,
        used_buckets,
        unit_names,
        fine_tokens,
        fine_units,
        notEmpty(fine_tokens) AS alike,
        count() AS attempts,
        sum(c.billed) AS billed,
        sum(c.input_total) AS all_input,
        sum(c.output_tokens) AS all_output,
        any(c.input_total) AS input_total,
        sum(c.input_uncached_tokens) AS input_uncached_tokens,
        sum(c.cache_read_tokens) AS cache_read_tokens,
        sum(c.cache_write_5m) AS cache_write_5m,
        sum(c.cache_write_1h) AS cache_write_1h,
        sum(c.output_tokens) AS output_tokens,
        sum(c.reasoning_tokens) AS reasoning_tokens,
        sumMap(c.units) AS units_together,
        any(c.units) AS units_of_one
    FROM called AS c
    GROUP BY ALL
),
used AS
(
    SELECT
        (attempts, if(alike, attempts, 1), estimated, not_billed, billed_known, billed_whole, billed, all_input, all_output, billed_stands_in) AS fact,
        COLUMNS('^by_'),
        provider_seen,
        request_model,
        response_model,
        if(moved, {set_provider:String}, '') AS set_provider,
        if(moved, {set_model:String}, '') AS set_model,
        tier,
        region_priced AS region,
        fromUnixTimestamp64Milli(used_at_ms, 'UTC') AS used_at,
        {as_known_at:DateTime64(3)} AS known_at,
        if(alike, 1, attempts) AS calls,
        has_usage,
        if(alike, fine_tokens[1], s.input_uncached_tokens) AS input_uncached_tokens,
        if(alike, fine_tokens[2], s.cache_read_tokens) AS cache_read_tokens,
        if(alike, fine_tokens[3], s.cache_write_5m) AS cache_write_5m,
        if(alike, fine_tokens[4], s.cache_write_1h) AS cache_write_1h,
        if(alike, fine_tokens[5], s.output_tokens) AS output_tokens,
        0 AS input_less,
        0 AS input_more,
        0 AS output_less,
        0 AS output_more,
        input_total,
        if(alike, fine_tokens[6], s.reasoning_tokens) AS reasoning_tokens,
        if(alike, units_of_one, units_together) AS units,
        @include arithmetic/parts
    FROM summed AS s
),
@include arithmetic/price
-- Exact totals are summed before anything is decided by them: what only a condition needs is worked out again for each of them.
tallied AS
(
    SELECT
        *,
        kind.1 AS estimated,
        kind.2 AS not_billed,
        kind.3 AS billed_known,
        kind.4 AS billed_whole,
        kind.5 AS state,
        kind.6 AS unpriced_units,
        kind.7 AS cost_known,
        kind.8 AS billed_stands_in
    FROM
    (
        SELECT
            COLUMNS('^by_'),
            (fact.3, fact.4, fact.5, fact.6, state, unpriced_units, isNotNull(cost), fact.10) AS kind,
            sum(fact.1) AS group_attempts,
            sum(fact.7) AS billed,
            sum(fact.8) AS group_input,
            sum(fact.9) AS group_output,
            sum(total * fact.2) AS summed_total
        FROM valued
        GROUP BY ALL
    )
),
compared AS
(
    SELECT
        COLUMNS('^by_'),
        group_attempts,
        group_input,
        group_output,
        billed,
        billed_known,
        billed_known AND NOT billed_whole AS billed_partly,
        billed_stands_in,
        estimated,
        not_billed,
        multiIf(not_billed, toDecimal128(0, 12), cost_known, toDecimal128(summed_total, 12), NULL) AS repriced,
        not_billed OR cost_known AS repriced_known,
        NOT not_billed AND state = 'partial' AS repriced_partly,
        billed_whole AND repriced_known AND NOT repriced_partly AS comparable,
        if(not_billed, [], unpriced_units) AS absent,
        repriced_known AND arrayExists(unit -> startsWith(unit, 'service_tier:'), absent) AS repriced_stands_in
    FROM tallied
)
