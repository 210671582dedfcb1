-- price_attempts: turns judged spans into the ledger: one row an attempt, priced. The only price arithmetic there is.
-- grain: (workspace, trace_id, span_id, attempt_number), into attempts. Reads span_runs and call_verdicts of the same
--   settlement, model_aliases and price_history. units: USD; rates and parts exact with 24 decimals.
-- parameters: version = the settlement; its spans are in settling_spans.
-- Attempts: a call with n recorded retries is n + 1 rows; the first n (outcome retried) carry no tokens.
--   Not billed (cost 0): the attempt was answered with an HTTP error status (error is 4xx or 5xx, or a client library's class
--   for one), or no connection was made, and the provider reported no usage. Any other failure, time-outs above all, may
--   have been billed: unmetered, cost NULL.
-- Price row: provider and model as resolved (response model first, then request model), valid when the call started, known
--   when the span was received; its own tier before standard, then the largest context threshold below the total input
--   (the whole request moves), then the newest known. A tier without rows: standard rates, partial, service_tier:<tier>.
-- Cost: sum of tokens x rate, rounded once, half even, to 12 decimals. A used unit without rate is named in unpriced_units
--   and leaves the row partial; when no used unit has a rate, or the rates are in another currency, the row is unpriced
--   and its cost NULL. No unit is priced by another unit's rate. Audio tokens are taken out of input and output.
-- Rework is on what was wasted: the attempt that failed, and the call that a later one repeats (retry_of) or whose answer it
--   makes again (rework_of), as whichever teller of it counts. The later call names it and is no rework itself.
-- cost_low_usd, cost_high_usd: the same sum with the ends of estimated token counts; equal to cost_usd otherwise.
INSERT INTO attempts
    (workspace, tenant, trace_id, span_id, attempt_number, run_id, agent_name, agent_version, workflow_name, tool_name,
    service_name, operation, provider, request_model, response_model, priced_provider, priced_model, service_tier,
    response_id, streaming, started_at, ended_at, duration_ns, ttft_ns, outcome, error_type, wait_seconds, counted,
    excluded_reason, duplicate_of, usage_quality, rework_reason, retry_of, rework_of, usage_source, usage_partial, input_uncached_tokens,
    cache_read_tokens, cache_write_5m_tokens, cache_write_1h_tokens, output_tokens, reasoning_tokens, audio_input_tokens,
    audio_output_tokens, web_search_requests, price_status, unpriced_units, price_id, input_cost_usd, cache_read_cost_usd,
    cache_write_cost_usd, output_cost_usd, request_cost_usd, cost_usd, cost_low_usd, cost_high_usd, emitted_cost_usd,
    flops_prefill, flops_decode, flops_total, flops_low, flops_high, flops_method, vram_weights_bytes, vram_kv_bytes,
    vram_peak_bytes, gpu_seconds, received_at, version, is_deleted)
WITH
    -- What was used, by unit, and the model as the price book calls it: one row a call or span with usage.
    metered AS
    (
        SELECT
            * EXCEPT (provider_seen, request_model, response_model),
            if(b.model != '', b.provider, a.provider) AS priced_provider,
            if(b.model != '', b.model, a.model) AS priced_model
        FROM
        (
            SELECT
                workspace,
                trace_id,
                span_id,
                toString(provider) AS provider_seen,
                request_model,
                response_model,
                toString(service_tier) AS tier,
                toDateTime64(started_at, 3) AS used_at,
                toDateTime64(received_at, 3) AS known_at,
                usage_source IN ('provider', 'estimated') AS has_usage,
                usage_source = 'estimated' AND input_tokens_high > 0 AS input_ranges,
                usage_source = 'estimated' AND output_tokens_high > 0 AS output_ranges,
                least(audio_input_tokens, input_uncached_tokens) AS audio_input,
                input_uncached_tokens - audio_input AS input,
                if(input_ranges, input_tokens_low, input) AS input_low,
                if(input_ranges, input_tokens_high, input) AS input_high,
                cache_read_tokens AS cache_read,
                cache_write_5m_tokens AS cache_write_5m,
                cache_write_1h_tokens AS cache_write_1h,
                least(audio_output_tokens, output_tokens) AS audio_output,
                output_tokens - audio_output AS output,
                if(output_ranges, output_tokens_low, output) AS output_low,
                if(output_ranges, output_tokens_high, output) AS output_high,
                web_search_requests AS web_search,
                input_uncached_tokens + cache_read + cache_write_5m + cache_write_1h AS input_total
            FROM settling_spans
            WHERE version = {version:UInt64} AND (role = 'call' OR has_usage)
        ) AS s
        LEFT ANY JOIN
        (
            SELECT
                provider_seen,
                model_seen AS response_model,
                toString(provider) AS provider,
                model
            FROM model_aliases FINAL
        ) AS b USING (provider_seen, response_model)
        LEFT ANY JOIN
        (
            SELECT
                provider_seen,
                model_seen AS request_model,
                toString(provider) AS provider,
                model
            FROM model_aliases FINAL
        ) AS a USING (provider_seen, request_model)
    ),
    -- The price rows of each model ever seen, the preferred first: own tier, largest threshold, newest known.
    book AS
    (
        SELECT
            toString(provider) AS priced_provider,
            model AS priced_model,
            arrayReverseSort(
                c -> (c.tier != '', c.over_tokens, c.known_from, c.valid_from, c.price_id),
                groupArray((
                    toString(service_tier), context_over_tokens, valid_from, valid_to, known_from, known_to, price_id,
                    toString(currency), input_usd_per_token, audio_input_usd_per_token, cache_read_usd_per_token,
                    cache_write_5m_usd_per_token, cache_write_1h_usd_per_token, output_usd_per_token,
                    audio_output_usd_per_token, web_search_usd_per_request
                ))::Array(Tuple(
                    tier String, over_tokens UInt64, valid_from DateTime64(3, 'UTC'), valid_to DateTime64(3, 'UTC'),
                    known_from DateTime64(3, 'UTC'), known_to DateTime64(3, 'UTC'), price_id String, currency String,
                    input Nullable(Decimal(38, 24)), audio_input Nullable(Decimal(38, 24)),
                    cache_read Nullable(Decimal(38, 24)), cache_write_5m Nullable(Decimal(38, 24)),
                    cache_write_1h Nullable(Decimal(38, 24)), output Nullable(Decimal(38, 24)),
                    audio_output Nullable(Decimal(38, 24)), web_search Nullable(Decimal(38, 24))
                ))
            ) AS choices
        FROM price_history
        WHERE (provider, model) IN (SELECT provider, model FROM model_aliases)
        GROUP BY
            priced_provider,
            priced_model
    ),
    -- The one price row of each: empty price_id = none.
    rated AS
    (
        SELECT
            * EXCEPT (choices, price),
            price.price_id AS price_id,
            price.tier AS price_tier,
            price.currency AS currency,
            price.input AS input_rate,
            price.audio_input AS audio_input_rate,
            price.cache_read AS cache_read_rate,
            price.cache_write_5m AS cache_write_5m_rate,
            price.cache_write_1h AS cache_write_1h_rate,
            price.output AS output_rate,
            price.audio_output AS audio_output_rate,
            price.web_search AS web_search_rate
        FROM
        (
            SELECT
                *,
                choices[arrayFirstIndex(
                    c -> has_usage
                        AND c.tier IN (tier, '')
                        AND (c.over_tokens = 0 OR c.over_tokens < input_total)
                        AND c.valid_from <= used_at
                        AND c.valid_to > used_at
                        AND c.known_from <= known_at
                        AND c.known_to > known_at,
                    choices
                )] AS price
            FROM metered AS m
            LEFT ANY JOIN book AS p USING (priced_provider, priced_model)
        )
    ),
    -- The arithmetic: exact products and their exact sum; a unit without rate adds nothing and is named.
    multiplied AS
    (
        SELECT
            workspace,
            trace_id,
            span_id,
            priced_provider,
            priced_model,
            price_id,
            currency,
            if(price_id != '' AND price_tier != tier, ['service_tier:' || tier], []) AS other_tier,
            ifNull(toDecimal256(input, 0) * input_rate, 0) + ifNull(toDecimal256(audio_input, 0) * audio_input_rate, 0) AS input_usd,
            ifNull(toDecimal256(cache_read, 0) * cache_read_rate, toDecimal256(0, 24)) AS cache_read_usd,
            ifNull(toDecimal256(cache_write_5m, 0) * cache_write_5m_rate, 0)
                + ifNull(toDecimal256(cache_write_1h, 0) * cache_write_1h_rate, 0) AS cache_write_usd,
            ifNull(toDecimal256(output, 0) * output_rate, 0) + ifNull(toDecimal256(audio_output, 0) * audio_output_rate, 0) AS output_usd,
            ifNull(toDecimal256(web_search, 0) * web_search_rate, toDecimal256(0, 24)) AS request_usd,
            input_usd + cache_read_usd + cache_write_usd + output_usd + request_usd AS exact,
            exact + ifNull((toDecimal256(input_low, 0) - toDecimal256(input, 0)) * input_rate, 0)
                + ifNull((toDecimal256(output_low, 0) - toDecimal256(output, 0)) * output_rate, 0) AS exact_low,
            exact + ifNull((toDecimal256(input_high, 0) - toDecimal256(input, 0)) * input_rate, 0)
                + ifNull((toDecimal256(output_high, 0) - toDecimal256(output, 0)) * output_rate, 0) AS exact_high,
            [input, audio_input, cache_read, cache_write_5m, cache_write_1h, output, audio_output, web_search] AS quantities,
            [
                input_rate, audio_input_rate, cache_read_rate, cache_write_5m_rate, cache_write_1h_rate, output_rate,
                audio_output_rate, web_search_rate
            ] AS rates,
            arrayFilter(
                (unit, quantity, rate) -> quantity > 0 AND isNull(rate),
                ['input', 'audio_input', 'cache_read', 'cache_write_5m', 'cache_write_1h', 'output', 'audio_output', 'web_search'],
                quantities,
                rates
            ) AS unrated,
            arrayExists((quantity, rate) -> quantity > 0 AND isNotNull(rate), quantities, rates) AS some_rated,
            arrayAll(rate -> ifNull(rate, 0) = 0, rates) AS all_free
        FROM rated
    ),
    -- One rounding, half even; known = there is a cost. What the ledger says of the usage, was it billed at all.
    priced AS
    (
        SELECT
            workspace,
            trace_id,
            span_id,
            priced_provider,
            priced_model,
            price_id,
            multiIf(
                price_id = '', [],
                currency != 'USD', ['currency:' || currency],
                arrayConcat(unrated, other_tier)
            ) AS unpriced_units,
            multiIf(
                price_id = '' OR currency != 'USD' OR (notEmpty(unrated) AND NOT some_rated), 'unpriced',
                notEmpty(unrated) OR notEmpty(other_tier), 'partial',
                all_free, 'free',
                'priced'
            ) AS state,
            state != 'unpriced' AS known,
            if(known, accurateCastOrNull(input_usd, 'Decimal(38, 24)'), NULL) AS input_cost,
            if(known, accurateCastOrNull(cache_read_usd, 'Decimal(38, 24)'), NULL) AS cache_read_cost,
            if(known, accurateCastOrNull(cache_write_usd, 'Decimal(38, 24)'), NULL) AS cache_write_cost,
            if(known, accurateCastOrNull(output_usd, 'Decimal(38, 24)'), NULL) AS output_cost,
            if(known, accurateCastOrNull(request_usd, 'Decimal(38, 24)'), NULL) AS request_cost,
            roundBankers(exact, 12) AS total,
            if(known, accurateCastOrNull(total, 'Decimal(38, 12)'), NULL) AS cost,
            if(known, accurateCastOrNull(least(total, roundBankers(exact_low, 12)), 'Decimal(38, 12)'), NULL) AS cost_low,
            if(known, accurateCastOrNull(greatest(total, roundBankers(exact_high, 12)), 'Decimal(38, 12)'), NULL) AS cost_high
        FROM multiplied
    ),
    verdicts AS
    (
        SELECT
            workspace,
            trace_id,
            span_id,
            counted,
            usage_quality,
            excluded_reason,
            duplicate_of,
            if(counted, span_id, duplicate_of) AS counted_as,
            retry_reasons AS reasons,
            retry_wait_seconds AS waits,
            retry_of,
            rework_of,
            rework_reason AS remade_for
        FROM call_verdicts
        WHERE (workspace, trace_id) IN (SELECT workspace, trace_id FROM settling WHERE version = {version:UInt64}) AND version = {version:UInt64}
    ),
    -- repeats, remakes = the counted teller of the call that this one repeats or answers anew.
    linked AS
    (
        SELECT
            * EXCEPT (retry_of, rework_of, retried_as, remade_as),
            if(retried_as != '', retried_as, retry_of) AS repeats,
            if(remade_as != '', remade_as, rework_of) AS remakes
        FROM verdicts
        LEFT ANY JOIN
        (
            SELECT
                workspace,
                trace_id,
                span_id AS retry_of,
                counted_as AS retried_as
            FROM verdicts
        ) AS r USING (workspace, trace_id, retry_of)
        LEFT ANY JOIN
        (
            SELECT
                workspace,
                trace_id,
                span_id AS rework_of,
                counted_as AS remade_as
            FROM verdicts
        ) AS w USING (workspace, trace_id, rework_of)
    ),
    -- Calls that were repeated, with the reason: an emitter's own word before ours.
    wasted AS
    (
        SELECT
            workspace,
            trace_id,
            earlier.1 AS span_id,
            argMax(earlier.2, (earlier.2 NOT IN ('application_retry', 'regenerated'), earlier.2)) AS waste
        FROM linked
        ARRAY JOIN
            [
                (repeats, 'application_retry'),
                (remakes, if(remade_for != '', toString(remade_for), 'regenerated'))
            ] AS earlier
        WHERE counted AND earlier.1 NOT IN ('', linked.span_id)
        GROUP BY
            workspace,
            trace_id,
            span_id
    ),
    -- One row an attempt.
    exploded AS
    (
        SELECT
            *,
            number AS row_number,
            row_number = last AS is_final,
            if(is_final, error_type, if(row_number <= length(reasons), toString(reasons[row_number]), 'unknown')) AS failure,
            multiIf(NOT is_final, 'retried', status = 'error', 'error', 'ok') AS outcome,
            outcome != 'ok'
            AND NOT (is_final AND usage_source = 'provider')
            AND (
                match(failure, '^[45][0-9][0-9]$')
                OR splitByChar('.', failure)[-1] IN (
                    'connection_error', 'APIConnectionError', 'ConnectError', 'ConnectionRefusedError', 'BadRequestError',
                    'AuthenticationError', 'PermissionDeniedError', 'NotFoundError', 'ConflictError', 'RequestTooLargeError',
                    'UnprocessableEntityError', 'RateLimitError', 'InternalServerError', 'ServiceUnavailableError',
                    'OverloadedError'
                )
            ) AS refused,
            usage_source IN ('provider', 'estimated') AND is_final AND NOT refused AS used
        FROM
        (
            SELECT
                *,
                -- An emitter may claim any number of attempts: rows are made for the first thousand.
                toUInt16(if(counted, least(greatest(attempt_number, length(reasons) + 1), 1000), 1)) AS last,
                range(toUInt16(1), toUInt16(last + 1)) AS numbers
            FROM
            (
                SELECT * EXCEPT (retry_of, rework_of)
                FROM settling_spans
                WHERE version = {version:UInt64} AND (role = 'call' OR usage_source IN ('provider', 'estimated'))
            ) AS s
            INNER JOIN linked AS v USING (workspace, trace_id, span_id)
            LEFT ANY JOIN wasted AS w USING (workspace, trace_id, span_id)
        )
        ARRAY JOIN
            numbers AS number
    )
SELECT
    workspace,
    o.tenant,
    trace_id,
    span_id,
    row_number,
    o.run_id,
    o.agent_name,
    o.agent_version,
    o.workflow_name,
    o.tool_name,
    e.service_name,
    e.operation,
    e.provider,
    e.request_model,
    e.response_model,
    p.priced_provider,
    p.priced_model,
    e.service_tier,
    e.response_id,
    e.streaming,
    e.started_at,
    if(is_final, e.ended_at, e.started_at),
    if(is_final, e.duration_ns, 0),
    if(is_final, e.ttft_ns, 0),
    outcome,
    if(outcome = 'ok', '', failure),
    if(is_final OR row_number > length(waits), 0., waits[row_number]),
    counted,
    excluded_reason,
    duplicate_of,
    usage_quality,
    multiIf(
        outcome = 'retried', 'transport_retry',
        waste != '', waste,
        outcome = 'error', 'failed',
        ''
    ),
    repeats,
    remakes,
    multiIf(refused, 'none', used, toString(e.usage_source), 'missing'),
    e.usage_partial AND is_final,
    if(used, e.input_uncached_tokens, 0),
    if(used, e.cache_read_tokens, 0),
    if(used, e.cache_write_5m_tokens, 0),
    if(used, e.cache_write_1h_tokens, 0),
    if(used, e.output_tokens, 0),
    if(used, e.reasoning_tokens, 0),
    if(used, least(e.audio_input_tokens, e.input_uncached_tokens), 0),
    if(used, least(e.audio_output_tokens, e.output_tokens), 0),
    if(used, e.web_search_requests, 0),
    multiIf(refused, 'not_billed', NOT used, 'unmetered', p.state),
    if(used, p.unpriced_units, []),
    if(used, p.price_id, ''),
    if(used, p.input_cost, NULL),
    if(used, p.cache_read_cost, NULL),
    if(used, p.cache_write_cost, NULL),
    if(used, p.output_cost, NULL),
    if(used, p.request_cost, NULL),
    multiIf(used, p.cost, refused, toDecimal128(0, 12), NULL),
    multiIf(used, p.cost_low, refused, toDecimal128(0, 12), NULL),
    multiIf(used, p.cost_high, refused, toDecimal128(0, 12), NULL),
    if(is_final, e.emitted_cost_usd, NULL),
    if(is_final, e.flops_prefill, 0),
    if(is_final, e.flops_decode, 0),
    if(is_final, e.flops_total, 0),
    if(is_final, e.flops_low, 0),
    if(is_final, e.flops_high, 0),
    e.flops_method,
    if(is_final, e.vram_weights_bytes, 0),
    if(is_final, e.vram_kv_bytes, 0),
    if(is_final, e.vram_peak_bytes, 0),
    if(is_final, e.gpu_seconds, 0.),
    e.received_at,
    {version:UInt64},
    0
FROM exploded AS e
INNER JOIN
(
    SELECT
        workspace,
        trace_id,
        span_id,
        run_id,
        tenant,
        agent_name,
        agent_version,
        workflow_name,
        tool_name
    FROM span_runs
    WHERE (workspace, trace_id) IN (SELECT workspace, trace_id FROM settling WHERE version = {version:UInt64}) AND version = {version:UInt64}
) AS o USING (workspace, trace_id, span_id)
INNER JOIN priced AS p USING (workspace, trace_id, span_id)
