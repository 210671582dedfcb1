-- explain_attempts: every attempt of a trace, or of one span of it, with the price row it was given and how its model was found.
-- parameters: workspace; trace_id (32 hex digits, lower case); span_id (16 hex digits; empty = the whole trace).
-- grain: (span_id, attempt_number), in order of start. units: as in `attempts`; USD per token or unit as in `prices`.
-- columns: those of the table attempts without workspace, version and is_deleted; and of its price row: price_tier, price_region,
--   context_over_tokens, valid_from, valid_to, hour_minutes (from, until, from, until, ... in minutes of the week from Monday
--   00:00 UTC; empty = always), known_from, source_url, upstream, book_id (empty and zero when it has none); fx_valid_from,
--   fx_known_from, fx_source_url (of the rate of its currency, where that is not USD); of the row its price was made of by an
--   operator's adjustments: list_price_id (empty = none), adjusted_by (their reasons), list_source_url, list_input_rate,
--   list_cache_read_rate, list_cache_write_5m_rate, list_cache_write_1h_rate, list_output_rate (of the currency, a token);
--   alias (its known_from, valid_from, valid_to and method, also apart); alias_method = how the book found the model: exact | prefix | pattern | operator | none.
WITH priced AS
(
    SELECT price_id
    FROM attempts
    WHERE workspace = {workspace:String} AND trace_id = {trace_id:String} AND price_id != ''
)
SELECT
    * EXCEPT (workspace, version, is_deleted, model_seen, provider_seen, meanings, used_at, seen_at),
    (arrayFirst(
        x -> x.1 = currency AND x.2 <= used_at AND x.3 > used_at AND x.4 <= seen_at AND x.5 > seen_at,
        (
            SELECT arrayReverseSort(x -> x.2, groupArray((toString(currency), valid_from, valid_to, known_from, known_to, source_url)))
            FROM fx_history
        )
    ) AS fx_row).2 AS fx_valid_from,
    fx_row.4 AS fx_known_from,
    fx_row.6 AS fx_source_url,
    arrayFirst(x -> x.1 <= seen_at AND x.2 <= used_at AND x.3 > used_at, meanings) AS alias,
    alias.4 AS alias_method,
    alias.2 AS alias_valid_from,
    alias.3 AS alias_valid_to,
    alias.1 AS alias_known_from
FROM
(
    SELECT
        *,
        toString(provider) AS provider_seen,
        toDateTime64(started_at, 3, 'UTC') AS used_at,
        toDateTime64(received_at, 3, 'UTC') AS seen_at,
        if(response_model != '', response_model, request_model) AS model_seen
    FROM attempts FINAL
    WHERE workspace = {workspace:String}
        AND trace_id = {trace_id:String}
        AND ({span_id:String} = '' OR span_id = {span_id:String})
) AS a
LEFT ANY JOIN
(
    SELECT
        price_id,
        service_tier AS price_tier,
        region AS price_region,
        arrayFlatten(arrayMap(h -> [h.from, h.until], hours)) AS hour_minutes,
        context_over_tokens,
        valid_from,
        valid_to,
        known_from,
        source_url,
        upstream,
        book_id
    FROM prices
) AS p USING (price_id)
LEFT ANY JOIN
(
    SELECT
        provider_seen,
        model_seen,
        arrayReverseSort(groupArray((known_from, valid_from, valid_to, toString(method)))) AS meanings
    FROM model_aliases FINAL
    GROUP BY
        provider_seen,
        model_seen
) AS m USING (provider_seen, model_seen)
LEFT ANY JOIN
(
    -- An adjusted row says what the row it was made of says of its source, and the reason after it.
    SELECT
        price_id,
        (argMin(
            (id, substring(said, length(list_said) + 3), url, input, cache_read, cache_write_5m, cache_write_1h, output),
            (length(list_said), list_region != own_region, list_known > own_known, -toInt64(toUnixTimestamp(list_known)))
        ) AS made_of).1 AS list_price_id,
        made_of.2 AS adjusted_by,
        made_of.3 AS list_source_url,
        made_of.4 AS list_input_rate,
        made_of.5 AS list_cache_read_rate,
        made_of.6 AS list_cache_write_5m_rate,
        made_of.7 AS list_cache_write_1h_rate,
        made_of.8 AS list_output_rate
    FROM
    (
        SELECT
            price_id,
            extractGroups(said, '; [0-9.]+ x ([^/ ]+)/(.+)$') AS deployment_of,
            if(empty(deployment_of), toString(provider), deployment_of[1]) AS list_provider,
            if(empty(deployment_of), model, deployment_of[2]) AS list_model,
            service_tier,
            context_over_tokens,
            currency,
            toString(region) AS own_region,
            hours AS own_hours,
            valid_from AS own_from,
            known_from AS own_known,
            replaceOne(toString(upstream), '; start unknown', '') AS said
        FROM prices
        WHERE price_id IN (priced)
    ) AS o
    INNER JOIN
    (
        SELECT
            price_id AS id,
            toString(provider) AS list_provider,
            model AS list_model,
            service_tier,
            context_over_tokens,
            currency,
            toString(region) AS list_region,
            hours AS list_hours,
            valid_from AS list_from,
            valid_to AS list_to,
            known_from AS list_known,
            replaceOne(toString(upstream), '; start unknown', '') AS list_said,
            source_url AS url,
            input_usd_per_token AS input,
            cache_read_usd_per_token AS cache_read,
            cache_write_5m_usd_per_token AS cache_write_5m,
            cache_write_1h_usd_per_token AS cache_write_1h,
            output_usd_per_token AS output
        FROM prices
        WHERE (list_provider, list_model) IN (
            SELECT
                if(empty(extractGroups(toString(upstream), '; [0-9.]+ x ([^/ ]+)/(.+?)(?:; start unknown)?$') AS of), toString(provider), of[1]),
                if(empty(of), model, of[2])
            FROM prices
            WHERE price_id IN (priced)
        )
    ) AS l USING (list_provider, list_model, service_tier, context_over_tokens, currency)
    WHERE list_hours = own_hours
        AND list_region IN (own_region, '')
        AND list_from <= own_from
        AND list_to > own_from
        AND startsWith(said, list_said || '; ')
    GROUP BY price_id
) AS made USING (price_id)
ORDER BY
    started_at,
    span_id,
    attempt_number,
    operation;
