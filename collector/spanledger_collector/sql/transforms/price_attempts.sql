-- price_attempts: turns judged spans into the ledger: one row an attempt, priced. The only price arithmetic there is.
-- grain: (workspace, trace_id, span_id, attempt_number), into attempts. Reads span_runs and call_verdicts of the same
--   settlement, model_aliases and price_history. units: USD; rates and parts exact with 24 decimals.
-- parameters: version = the settlement; its spans are in settling_spans.
-- Attempts: a call with n recorded retries is n + 1 rows; the first n (outcome retried) carry no tokens.
--   Not billed (cost 0): the teller says so (usage_source none), or the attempt was answered with an HTTP error status (error is
--   4xx or 5xx, or a client library's class for one), or no connection was made, and the provider reported no usage. Any other
--   failure, time-outs above all, may have been billed: unmetered, cost NULL.
-- Price row: provider and model as resolved (response model first, then request model), valid when the call started, known
--   when the span was received; its own tier before standard, then the largest context threshold below the total input
--   (the whole request moves), then the newest known. A tier without rows: standard rates, partial, service_tier:<tier>.
-- Cost: sum of tokens x rate, rounded once, half even, to 12 decimals. A used unit without rate is named in unpriced_units
--   and leaves the row partial; when no used unit has a rate, or the rates are in another currency, the row is unpriced
--   and its cost NULL. No unit is priced by another unit's rate.
-- Parts (audio, image, video tokens; reasoning) with a rate of their own are taken out of their bucket. Without one, audio is
--   taken out and has no rate; the others stay: a bucket's rate holds for them until the provider publishes another.
-- Units beside tokens: by the rate of that name, else of any kind of it (images.hd.1024x1024, else images.*). A row with a rate
--   for requests charges every call one.
-- Rework is on what was wasted: the attempt that failed, and the call that a later one repeats (retry_of) or whose answer it
--   makes again (rework_of), as whichever teller of it counts. The later call names it and is no rework itself.
-- cost_low_usd, cost_high_usd: the same sum with the ends of estimated token counts; equal to cost_usd otherwise.
INSERT INTO attempts
    (workspace, tenant, trace_id, span_id, attempt_number, run_id, agent_name, agent_version, workflow_name, tool_name,
    service_name, operation, provider, request_model, response_model, priced_provider, priced_model, service_tier,
    response_id, streaming, started_at, ended_at, duration_ns, ttft_ns, outcome, error_type, wait_seconds, counted,
    excluded_reason, duplicate_of, usage_quality, rework_reason, retry_of, rework_of, usage_source, usage_partial,
    input_uncached_tokens, cache_read_tokens, cache_write_5m_tokens, cache_write_1h_tokens, output_tokens, reasoning_tokens,
    units, price_status, unpriced_units, price_id, input_cost_usd, cache_read_cost_usd, cache_write_cost_usd,
    output_cost_usd, units_cost_usd, cost_usd, cost_low_usd, cost_high_usd, emitted_cost_usd, flops_prefill, flops_decode,
    flops_total, flops_low, flops_high, flops_method, vram_weights_bytes, vram_kv_bytes, vram_peak_bytes, gpu_seconds,
    received_at, version, is_deleted)
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
                input_uncached_tokens,
                cache_read_tokens,
                cache_write_5m_tokens AS cache_write_5m,
                cache_write_1h_tokens AS cache_write_1h,
                output_tokens,
                if(input_ranges, toInt64(input_tokens_low) - toInt64(input_uncached_tokens), 0) AS input_less,
                if(input_ranges, toInt64(input_tokens_high) - toInt64(input_uncached_tokens), 0) AS input_more,
                if(output_ranges, toInt64(output_tokens_low) - toInt64(output_tokens), 0) AS output_less,
                if(output_ranges, toInt64(output_tokens_high) - toInt64(output_tokens), 0) AS output_more,
                input_uncached_tokens + cache_read_tokens + cache_write_5m + cache_write_1h AS input_total,
                units,
                -- No part is larger than what the parts before it left of its bucket.
                least(toUInt64(units['audio_input']), input_uncached_tokens) AS audio_input,
                least(toUInt64(units['image_input']), input_uncached_tokens - audio_input) AS image_input,
                least(toUInt64(units['video_input']), input_uncached_tokens - audio_input - image_input) AS video_input,
                least(toUInt64(units['audio_cache_read']), cache_read_tokens) AS audio_cache,
                least(toUInt64(units['image_cache_read']), cache_read_tokens - audio_cache) AS image_cache,
                least(toUInt64(units['video_cache_read']), cache_read_tokens - audio_cache - image_cache) AS video_cache,
                least(toUInt64(units['audio_output']), output_tokens) AS audio_output,
                least(toUInt64(units['image_output']), output_tokens - audio_output) AS image_output,
                least(toUInt64(units['video_output']), output_tokens - audio_output - image_output) AS video_output,
                least(reasoning_tokens, output_tokens - audio_output - image_output - video_output) AS reasoning,
                [
                    'audio_input', 'image_input', 'video_input', 'audio_cache_read', 'image_cache_read', 'video_cache_read',
                    'audio_output', 'image_output', 'video_output', 'reasoning'
                ] AS part_names,
                [
                    audio_input, image_input, video_input, audio_cache, image_cache, video_cache,
                    audio_output, image_output, video_output, reasoning
                ] AS part_tokens
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
                    toString(currency), input_usd_per_token, cache_read_usd_per_token, cache_write_5m_usd_per_token,
                    cache_write_1h_usd_per_token, output_usd_per_token, unit_rates
                ))::Array(Tuple(
                    tier String, over_tokens UInt64, valid_from DateTime64(3, 'UTC'), valid_to DateTime64(3, 'UTC'),
                    known_from DateTime64(3, 'UTC'), known_to DateTime64(3, 'UTC'), price_id String, currency String,
                    input Nullable(Decimal(38, 24)), cache_read Nullable(Decimal(38, 24)),
                    cache_write_5m Nullable(Decimal(38, 24)), cache_write_1h Nullable(Decimal(38, 24)),
                    output Nullable(Decimal(38, 24)),
                    units Map(LowCardinality(String), Tuple(usd Decimal(38, 24), per UInt64))
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
            price.cache_read AS cache_read_rate,
            price.cache_write_5m AS cache_write_5m_rate,
            price.cache_write_1h AS cache_write_1h_rate,
            price.output AS output_rate,
            price.units AS unit_rates
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
                if(per_request, [toDecimal128(1, 6)], [])
            ) AS quantities,
            arrayMap(
                name -> unit_rates[if(mapContains(unit_rates, name), toString(name), splitByChar('.', name)[1] || '.*')],
                names
            ) AS rates,
            arrayMap(
                (quantity, rate) -> toDecimal256(toDecimal256(quantity, 6) * rate.usd, 40) / greatest(rate.per, 1),
                quantities,
                rates
            ) AS amounts
        FROM rated
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
            ifNull(toDecimal256(input, 0) * input_rate, 0) + arraySum(arraySlice(amounts, 1, 3)) AS input_usd,
            ifNull(toDecimal256(cache_read, 0) * cache_read_rate, 0) + arraySum(arraySlice(amounts, 4, 3)) AS cache_read_usd,
            ifNull(toDecimal256(cache_write_5m, 0) * cache_write_5m_rate, 0)
                + ifNull(toDecimal256(cache_write_1h, 0) * cache_write_1h_rate, 0) AS cache_write_usd,
            ifNull(toDecimal256(output, 0) * output_rate, 0) + arraySum(arraySlice(amounts, 7, 4)) AS output_usd,
            arraySum(arraySlice(amounts, 11)) AS units_usd,
            input_usd + cache_read_usd + cache_write_usd + output_usd + units_usd AS exact,
            exact + ifNull(toDecimal256(input_less, 0) * input_rate, 0) + ifNull(toDecimal256(output_less, 0) * output_rate, 0) AS exact_low,
            exact + ifNull(toDecimal256(input_more, 0) * input_rate, 0) + ifNull(toDecimal256(output_more, 0) * output_rate, 0) AS exact_high,
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
            billed_units,
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
            if(known, accurateCastOrNull(units_usd, 'Decimal(38, 24)'), NULL) AS units_cost,
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
            refused OR (is_final AND usage_source = 'none') AS free_of_charge,
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
    multiIf(free_of_charge, 'none', used, toString(e.usage_source), 'missing'),
    e.usage_partial AND is_final,
    if(used, e.input_uncached_tokens, 0),
    if(used, e.cache_read_tokens, 0),
    if(used, e.cache_write_5m_tokens, 0),
    if(used, e.cache_write_1h_tokens, 0),
    if(used, e.output_tokens, 0),
    if(used, e.reasoning_tokens, 0),
    if(used, p.billed_units, map()),
    multiIf(free_of_charge, 'not_billed', NOT used, 'unmetered', p.state),
    if(used, p.unpriced_units, []),
    if(used, p.price_id, ''),
    if(used, p.input_cost, NULL),
    if(used, p.cache_read_cost, NULL),
    if(used, p.cache_write_cost, NULL),
    if(used, p.output_cost, NULL),
    if(used, p.units_cost, NULL),
    multiIf(used, p.cost, free_of_charge, toDecimal128(0, 12), NULL),
    multiIf(used, p.cost_low, free_of_charge, toDecimal128(0, 12), NULL),
    multiIf(used, p.cost_high, free_of_charge, toDecimal128(0, 12), NULL),
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
