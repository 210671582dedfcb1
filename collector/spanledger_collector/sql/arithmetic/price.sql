-- price: the only price arithmetic there is, as common table expressions from `used` to `valued`. Settling and repricing include it.
-- reads `used`, one row a fact: one call, or many that the same row prices and that use the same units. Columns: fact (what
--   names it; further columns by_... go through), provider_seen, request_model, response_model, set_provider and set_model (price it as this model; empty = as
--   resolved), tier, region, used_at, known_at, calls (how many), has_usage, the token buckets, input_total (of one call),
--   what an estimate may be less or more (input_less, ...), part_names, part_tokens (arithmetic/parts.sql), units. And
--   `book_models`: provider and model of the price rows that may be wanted. And `model_ids`: provider_seen and model_seen of
--   the ids that stand in `used`, or more.
-- gives `valued`, one row a fact: its price row, state, cost in USD and in the price's currency. exact = not rounded.
-- units: amounts exact; rates with 24 decimals, rates of currencies with 12; costs rounded once, half even, to 12.

-- Every answer of the book about the model ids of `used`, the newest known first.
meant AS
(
    SELECT
        provider_seen,
        model_seen,
        arrayReverseSort(
            m -> (m.known_from, m.valid_from),
            groupArray((known_from, valid_from, valid_to, toString(provider), model))::Array(Tuple(
                known_from DateTime64(3, 'UTC'), valid_from DateTime64(3, 'UTC'), valid_to DateTime64(3, 'UTC'),
                provider String, model String
            ))
        ) AS meanings
    FROM model_aliases FINAL
    WHERE (provider_seen, model_seen) IN (SELECT provider_seen, model_seen FROM model_ids)
    GROUP BY
        provider_seen,
        model_seen
),
-- The model as the price book calls it: that of the answer, else that asked for; as it held when the call was made and was
-- known when it was received.
resolved AS
(
    SELECT
        * EXCEPT (provider_seen, request_model, response_model, set_provider, set_model),
        arrayFirst(m -> m.known_from <= known_at AND m.valid_from <= used_at AND m.valid_to > used_at, b.meanings) AS answered,
        arrayFirst(m -> m.known_from <= known_at AND m.valid_from <= used_at AND m.valid_to > used_at, a.meanings) AS asked,
        multiIf(set_model != '', set_provider, answered.model != '', answered.provider, asked.provider) AS priced_provider,
        multiIf(set_model != '', set_model, answered.model != '', answered.model, asked.model) AS priced_model
    FROM used AS u
    LEFT ANY JOIN
    (
        SELECT
            provider_seen,
            model_seen AS response_model,
            meanings
        FROM meant
    ) AS b USING (provider_seen, response_model)
    LEFT ANY JOIN
    (
        SELECT
            provider_seen,
            model_seen AS request_model,
            meanings
        FROM meant
    ) AS a USING (provider_seen, request_model)
),
-- The price rows of each model, the preferred first: own tier, own region, largest threshold, newest known.
book AS
(
    SELECT
        toString(provider) AS priced_provider,
        model AS priced_model,
        arrayReverseSort(
            c -> (c.tier != '', c.region != '', c.region != '*', c.over_tokens, c.known_from, c.valid_from, c.price_id),
            groupArray((
                toString(service_tier), toString(region), hours, context_over_tokens, valid_from, valid_to, known_from,
                known_to, price_id, toString(currency), input_usd_per_token, cache_read_usd_per_token,
                cache_write_5m_usd_per_token, cache_write_1h_usd_per_token, output_usd_per_token, unit_rates
            ))::Array(Tuple(
                tier String, region String, hours Array(Tuple(from UInt16, until UInt16)), over_tokens UInt64,
                valid_from DateTime64(3, 'UTC'), valid_to DateTime64(3, 'UTC'),
                known_from DateTime64(3, 'UTC'), known_to DateTime64(3, 'UTC'), price_id String, currency String,
                input Nullable(Decimal(38, 24)), cache_read Nullable(Decimal(38, 24)),
                cache_write_5m Nullable(Decimal(38, 24)), cache_write_1h Nullable(Decimal(38, 24)),
                output Nullable(Decimal(38, 24)),
                units Map(LowCardinality(String), Tuple(usd Decimal(38, 24), per UInt64))
            ))
        ) AS choices
    FROM price_history
    WHERE (provider, model) IN (SELECT provider, model FROM book_models)
    GROUP BY
        priced_provider,
        priced_model
),
-- The one price row of each: empty price_id = none. Hours are minutes of the week, from Monday 00:00 UTC.
rated AS
(
    SELECT
        * EXCEPT (choices, price),
        price.price_id AS price_id,
        price.tier AS price_tier,
        price.currency AS currency,
        price.input AS input_rate,
        price.cache_read AS cache_read_rate,
        price.cache_write_5m AS cache_write_5m_rate,
        price.cache_write_1h AS cache_write_1h_rate,
        price.output AS output_rate,
        price.units AS unit_rates
    FROM
    (
        SELECT
            *,
            (toDayOfWeek(used_at) - 1) * 1440 + toHour(used_at) * 60 + toMinute(used_at) AS minute_of_week,
            choices[arrayFirstIndex(
                c -> has_usage
                    AND c.tier IN (tier, '')
                    AND c.region IN (region, if(region IN ('', 'global'), '', '*'), '')
                    AND (c.over_tokens = 0 OR c.over_tokens < input_total)
                    AND c.valid_from <= used_at
                    AND c.valid_to > used_at
                    AND c.known_from <= known_at
                    AND c.known_to > known_at
                    AND (empty(c.hours) OR arrayExists(h -> h.from <= minute_of_week AND h.until > minute_of_week, c.hours)),
                choices
            )] AS price
        FROM resolved AS m
        LEFT ANY JOIN book AS p USING (priced_provider, priced_model)
    )
),
-- What each unit of a call costs: the parts that leave their bucket first, in the order of part_names; then the others.
listed AS
(
    SELECT
        * EXCEPT (units, part_names, part_tokens, input_uncached_tokens, cache_read_tokens, output_tokens),
        arrayMap(
            (name, tokens) -> if(mapContains(unit_rates, name) OR startsWith(name, 'audio_'), tokens, 0),
            part_names,
            part_tokens
        ) AS parts,
        input_uncached_tokens - parts[1] - parts[2] - parts[3] AS input,
        cache_read_tokens - parts[4] - parts[5] - parts[6] AS cache_read,
        output_tokens - parts[7] - parts[8] - parts[9] - parts[10] AS output,
        mapFilter((name, quantity) -> NOT has(part_names, name), units) AS beside,
        mapContains(unit_rates, 'requests') AND NOT mapContains(beside, 'requests') AS per_request,
        arrayConcat(part_names, mapKeys(beside), if(per_request, ['requests'], [])) AS names,
        arrayConcat(
            arrayMap(tokens -> toDecimal128(tokens, 6), parts),
            mapValues(beside),
            if(per_request, [toDecimal128(calls, 6)], [])
        ) AS quantities,
        arrayMap(
            name -> unit_rates[if(mapContains(unit_rates, name), toString(name), splitByChar('.', name)[1] || '.*')],
            names
        ) AS rates,
        arrayMap(
            (quantity, rate) -> toDecimal256(toDecimal256(quantity, 6) * rate.usd, 40) / greatest(rate.per, 1),
            quantities,
            rates
        ) AS amounts,
        -- USD for a unit of the price's currency on the day; 0 = not known.
        if(
            currency IN ('USD', ''),
            toDecimal128(1, 12),
            arrayFirst(
                x -> x.1 = currency AND x.2 <= used_at AND x.3 > used_at AND x.4 <= known_at AND x.5 > known_at,
                (
                    SELECT arrayReverseSort(x -> x.2, groupArray((toString(currency), valid_from, valid_to, known_from, known_to, usd)))
                    FROM fx_history
                )
            ).6
        ) AS usd_per_unit
    FROM rated
),
-- The arithmetic: exact products and their exact sum; a unit without rate adds nothing and is named.
multiplied AS
(
    SELECT
        fact,
        COLUMNS('^by_'),
        calls,
        priced_provider,
        priced_model,
        price_id,
        currency,
        usd_per_unit,
        if(price_id != '' AND price_tier != tier, ['service_tier:' || tier], []) AS other_tier,
        if(usd_per_unit = 0, ['currency:' || currency], []) AS other_currency,
        ifNull(toDecimal256(input, 0) * input_rate, 0) + arraySum(arraySlice(amounts, 1, 3)) AS input_amount,
        ifNull(toDecimal256(cache_read, 0) * cache_read_rate, 0) + arraySum(arraySlice(amounts, 4, 3)) AS cache_read_amount,
        ifNull(toDecimal256(cache_write_5m, 0) * cache_write_5m_rate, 0)
            + ifNull(toDecimal256(cache_write_1h, 0) * cache_write_1h_rate, 0) AS cache_write_amount,
        ifNull(toDecimal256(output, 0) * output_rate, 0) + arraySum(arraySlice(amounts, 7, 4)) AS output_amount,
        arraySum(arraySlice(amounts, 11)) AS units_amount,
        input_amount + cache_read_amount + cache_write_amount + output_amount + units_amount AS amount,
        amount + ifNull(toDecimal256(input_less, 0) * input_rate, 0) + ifNull(toDecimal256(output_less, 0) * output_rate, 0) AS amount_low,
        amount + ifNull(toDecimal256(input_more, 0) * input_rate, 0) + ifNull(toDecimal256(output_more, 0) * output_rate, 0) AS amount_high,
        [input, cache_read, cache_write_5m, cache_write_1h, output] AS tokens,
        [input_rate, cache_read_rate, cache_write_5m_rate, cache_write_1h_rate, output_rate] AS token_rates,
        arrayConcat(
            arrayFilter(
                (unit, quantity, rate) -> quantity > 0 AND isNull(rate),
                ['input', 'cache_read', 'cache_write_5m', 'cache_write_1h', 'output'],
                tokens,
                token_rates
            ),
            arrayFilter((unit, quantity, rate) -> quantity > 0 AND rate.per = 0, names, quantities, rates)
        ) AS unrated,
        arrayExists((quantity, rate) -> quantity > 0 AND isNotNull(rate), tokens, token_rates)
            OR arrayExists((quantity, rate) -> quantity > 0 AND rate.per > 0, quantities, rates) AS some_rated,
        mapFilter((name, quantity) -> quantity > 0, mapFromArrays(names, quantities)) AS billed_units,
        arrayAll(rate -> ifNull(rate, 0) = 0, token_rates) AND arrayAll(rate -> rate.usd = 0, mapValues(unit_rates)) AS all_free
    FROM listed
),
-- One rounding, half even; known = there is a cost in USD, rated = there is one in the price's currency.
valued AS
(
    SELECT
        fact,
        COLUMNS('^by_'),
        calls,
        priced_provider,
        priced_model,
        price_id,
        billed_units,
        unpriced_units,
        is_rated,
        state,
        known,
        if(known, accurateCastOrNull(input_amount * usd_per_unit, 'Decimal(38, 24)'), NULL) AS input_cost,
        if(known, accurateCastOrNull(cache_read_amount * usd_per_unit, 'Decimal(38, 24)'), NULL) AS cache_read_cost,
        if(known, accurateCastOrNull(cache_write_amount * usd_per_unit, 'Decimal(38, 24)'), NULL) AS cache_write_cost,
        if(known, accurateCastOrNull(output_amount * usd_per_unit, 'Decimal(38, 24)'), NULL) AS output_cost,
        if(known, accurateCastOrNull(units_amount * usd_per_unit, 'Decimal(38, 24)'), NULL) AS units_cost,
        total,
        if(known, accurateCastOrNull(total, 'Decimal(38, 12)'), NULL) AS cost,
        if(known, accurateCastOrNull(least(total, roundBankers(amount_low * usd_per_unit, 12)), 'Decimal(38, 12)'), NULL) AS cost_low,
        if(known, accurateCastOrNull(greatest(total, roundBankers(amount_high * usd_per_unit, 12)), 'Decimal(38, 12)'), NULL) AS cost_high,
        if(is_rated, currency, '') AS billed_currency,
        if(is_rated, accurateCastOrNull(roundBankers(amount, 12), 'Decimal(38, 12)'), NULL) AS billed_cost,
        if(known, usd_per_unit, NULL) AS usd_per_currency
    FROM
    (
        SELECT
            *,
            state != 'unpriced' AS known,
            roundBankers(amount * usd_per_unit, 12) AS total
        FROM
        (
            SELECT
                *,
                multiIf(
                    NOT is_rated OR notEmpty(other_currency), 'unpriced',
                    notEmpty(unrated) OR notEmpty(other_tier), 'partial',
                    all_free, 'free',
                    'priced'
                ) AS state
            FROM
            (
                SELECT
                    *,
                    multiIf(
                        price_id = '', [],
                        notEmpty(other_currency), other_currency,
                        arrayConcat(unrated, other_tier)
                    ) AS unpriced_units,
                    price_id != '' AND (empty(unrated) OR some_rated) AS is_rated
                FROM multiplied
            )
        )
    )
),
