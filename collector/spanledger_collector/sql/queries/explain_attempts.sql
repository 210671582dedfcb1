-- explain_attempts: every attempt of a trace, or of one span of it, with the price row it was given and how its model was found.
-- parameters: workspace; trace_id (32 hex digits, lower case); span_id (16 hex digits; empty = the whole trace).
-- grain: (span_id, attempt_number), in order of start. units: as in `attempts`; USD per token or unit as in `prices`.
-- columns: those of the table attempts without workspace, version and is_deleted; and of its price row: price_tier,
--   context_over_tokens, valid_from, valid_to, known_from, currency, source_url, upstream, book_id (empty and zero when it has
--   none); alias (its known_from, valid_from, valid_to and method, also apart); alias_method = how the book found the model: exact | prefix | pattern | operator | none.
SELECT
    * EXCEPT (workspace, version, is_deleted, model_seen, provider_seen, meanings),
    arrayFirst(
        x -> x.1 <= toDateTime64(received_at, 3) AND x.2 <= toDateTime64(started_at, 3) AND x.3 > toDateTime64(started_at, 3),
        meanings
    ) AS alias,
    alias.4 AS alias_method,
    alias.2 AS alias_valid_from,
    alias.3 AS alias_valid_to,
    alias.1 AS alias_known_from
FROM
(
    SELECT
        *,
        toString(provider) AS provider_seen,
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
        context_over_tokens,
        valid_from,
        valid_to,
        known_from,
        currency,
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
ORDER BY
    started_at,
    span_id,
    attempt_number;
