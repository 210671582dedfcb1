-- price_attempts: turns judged spans into the ledger: one row an attempt, priced. The arithmetic is arithmetic/price.sql.
-- grain: (workspace, trace_id, span_id, attempt_number), into attempts. Reads span_runs, call_verdicts and
--   answer_verdicts of the same settlement, model_aliases, price_history and fx_history. units: USD; rates and parts exact with 24 decimals.
-- parameters: version = the settlement; its spans are in settling_spans.
-- Attempts: a call with n recorded retries is n + 1 rows; the first n (outcome retried) carry no tokens.
--   Not billed (cost 0): the teller says so (usage_source none), or the attempt was answered with an HTTP error status (error is
--   4xx or 5xx, or a client library's class for one), or no connection was made, and the provider reported no usage. Any other
--   failure, time-outs above all, may have been billed: unmetered, cost NULL.
-- Price row: provider and model as resolved (response model first, then request model), valid when the call started, known
--   when the span was received, at its hour of the week; its own tier before standard, its own region before none, then the largest context threshold below the total input
--   (the whole request moves), then the newest known. A tier without rows: standard rates, partial, service_tier:<tier>.
-- Cost: sum of tokens x rate, rounded once, half even, to 12 decimals. A used unit without rate is named in unpriced_units
--   and leaves the row partial; when no used unit has a rate, or the rates are in a currency that has no rate to USD
--   for that day, the row is unpriced and its cost NULL (what it costs in that currency is kept). No unit is priced by another unit's rate.
-- Parts (audio, image, video tokens; reasoning) with a rate of their own are taken out of their bucket. Without one, audio is
--   taken out and has no rate; the others stay: a bucket's rate holds for them until the provider publishes another.
-- Units beside tokens: by the rate of that name, else of any kind of it (images.hd.1024x1024, else images.*). A row with a rate
--   for requests charges every call one.
-- Rework is on what was wasted: the attempt that failed, and the call that a later one repeats (retry_of) or whose answer it
--   makes again (rework_of), as whichever teller of it counts. The later call names it and is no rework itself. An answer
--   judged wrong is wasted for that reason before any other; what was built on it only where it has no reason of its own.
-- GPUs of one's own: a call with shares of a closed window (gpu_shares) costs their sum, whatever its provider's price is: it was
--   dealt out of the bill of its pool. A call that measured its GPU time itself costs that, by the rate of its GPU (provider gpu,
--   model as its device is called, unit gpu_seconds), where there is one.
-- cost_low_usd, cost_high_usd: the same sum with the ends of estimated token counts, or of what a share may be off; equal to
--   cost_usd otherwise.
INSERT INTO attempts
    (workspace, tenant, trace_id, span_id, attempt_number, run_id, agent_name, agent_version, workflow_name, tool_name,
    tool_in_run, called_by, service_name, purpose, prompt_name, prompt_version, operation, provider, request_model, response_model, priced_provider, priced_model, service_tier, region,
    response_id, streaming, started_at, ended_at, duration_ns, ttft_ns, outcome, error_type, wait_seconds, counted,
    excluded_reason, duplicate_of, usage_quality, rework_reason, retry_of, rework_of, usage_source, usage_partial, usage_assumed,
    input_uncached_tokens, cache_read_tokens, cache_write_5m_tokens, cache_write_1h_tokens, output_tokens, reasoning_tokens,
    units, used_units, price_status, unpriced_units, price_id, input_cost_usd, cache_read_cost_usd, cache_write_cost_usd,
    output_cost_usd, units_cost_usd, cost_usd, cost_low_usd, cost_high_usd, currency, currency_cost, usd_per_currency,
    emitted_cost_usd, flops_prefill, flops_decode, flops_total, flops_low, flops_high, flops_method, vram_weights_bytes,
    vram_kv_bytes, vram_peak_bytes, gpu_seconds, mfu, mbu, received_at, version, is_deleted)
WITH
    -- What was used, by unit: one row a call or span with usage.
    used AS
    (
        SELECT
            (workspace, trace_id, span_id) AS fact,
            toString(provider) AS provider_seen,
            request_model,
            response_model,
            if(measured, 'gpu', '') AS set_provider,
            if(measured, toString(gpu_model), '') AS set_model,
            if(measured, '', toString(service_tier)) AS tier,
            if(measured, '', toString(region)) AS region,
            toDateTime64(started_at, 3) AS used_at,
            toDateTime64(received_at, 3) AS known_at,
            1 AS calls,
            measured OR usage_source IN ('provider', 'estimated') AS has_usage,
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
            @include arithmetic/parts
        FROM
        (
            -- A call that measured its GPU time is priced by that, and by no token.
            SELECT
                * REPLACE (
                    if(measured, 0, input_uncached_tokens) AS input_uncached_tokens,
                    if(measured, 0, cache_read_tokens) AS cache_read_tokens,
                    if(measured, 0, cache_write_5m_tokens) AS cache_write_5m_tokens,
                    if(measured, 0, cache_write_1h_tokens) AS cache_write_1h_tokens,
                    if(measured, 0, output_tokens) AS output_tokens,
                    if(measured, 0, reasoning_tokens) AS reasoning_tokens,
                    if(measured, 0, input_tokens_high) AS input_tokens_high,
                    if(measured, 0, output_tokens_high) AS output_tokens_high,
                    if(
                        measured,
                        map('gpu_seconds', toDecimal128(gpu_seconds, 6))::Map(LowCardinality(String), Decimal(38, 6)),
                        units
                    ) AS units
                ),
                gpu_seconds > 0 AND gpu_model IN (SELECT model FROM prices WHERE provider = 'gpu') AS measured
            FROM settling_spans
            WHERE version = {version:UInt64}
        )
        WHERE role = 'call' OR usage_source IN ('provider', 'estimated', 'missing')
    ),
    -- Few beside the ids that the ledger has ever seen.
    model_ids AS
    (
        SELECT DISTINCT toString(provider) AS provider_seen, model_seen
        FROM settling_spans
        ARRAY JOIN [request_model, response_model] AS model_seen
        WHERE version = {version:UInt64}
    ),
    book_models AS
    (
        SELECT provider, model
        FROM model_aliases
        WHERE (provider_seen, model_seen) IN (SELECT provider_seen, model_seen FROM model_ids)
        UNION ALL
        SELECT provider, model FROM prices WHERE provider = 'gpu'
    ),
    @include arithmetic/price
    -- The same by span, for the join.
    priced AS
    (
        SELECT
            * EXCEPT (fact),
            fact.1 AS workspace,
            fact.2 AS trace_id,
            fact.3 AS span_id
        FROM valued
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
            refused OR (is_final AND usage_source = 'none' AND NOT measured) AS free_of_charge,
            (usage_source IN ('provider', 'estimated') OR measured) AND is_final AND NOT refused AS used
        FROM
        (
            SELECT
                *,
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
                ) AS refused
            FROM
            (
                SELECT
                    *,
                    if(is_final, error_type, if(row_number <= length(reasons), toString(reasons[row_number]), 'unknown')) AS failure,
                    multiIf(NOT is_final, 'retried', status = 'error', 'error', 'ok') AS outcome
                FROM
                (
                    SELECT
                        *,
                        number AS row_number,
                        number = last AS is_final
                    FROM
                    (
                        SELECT
                            *,
                            -- An emitter may claim any number of attempts: rows are made for the first thousand.
                            toUInt16(if(counted, least(greatest(attempt_number, length(reasons) + 1), 1000), 1)) AS last,
                            range(toUInt16(1), toUInt16(last + 1)) AS numbers
                        FROM
                        (
                            SELECT
                                * EXCEPT (retry_of, rework_of),
                                gpu_seconds > 0 AND gpu_model IN (SELECT model FROM prices WHERE provider = 'gpu') AS measured
                            FROM settling_spans
                            WHERE version = {version:UInt64} AND (role = 'call' OR usage_source IN ('provider', 'estimated', 'missing'))
                        ) AS s
                        INNER JOIN linked AS v USING (workspace, trace_id, span_id)
                        LEFT ANY JOIN wasted AS w USING (workspace, trace_id, span_id)
                        LEFT ANY JOIN
                        (
                            SELECT workspace, trace_id, span_id, toString(reason) AS judged
                            FROM answer_verdicts
                            WHERE (workspace, trace_id) IN (SELECT workspace, trace_id FROM settling WHERE version = {version:UInt64}) AND version = {version:UInt64}
                        ) AS j USING (workspace, trace_id, span_id)
                    )
                    ARRAY JOIN
                        numbers AS number
                )
            )
        )
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
    o.tool_is_near,
    o.called_by,
    e.service_name,
    o.purpose,
    e.prompt_name,
    e.prompt_version,
    e.operation,
    e.provider,
    e.request_model,
    e.response_model,
    if(g.of_windows > 0 AND (is_final OR row_number <= length(g.failed_gpu_seconds)) AS shared, 'gpu', p.priced_provider),
    if(shared, g.pool, p.priced_model),
    e.service_tier,
    e.region,
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
        o.purpose NOT IN ('', 'work'), '', -- a cost of quality of its own
        outcome = 'retried', 'transport_retry',
        judged IN ('wrong', 'hallucinated'), judged,
        waste != '', waste,
        judged != '' AND NOT startsWith(judged, 'built_on_'), judged, -- inside work that was done again
        outcome = 'error', 'failed',
        judged
    ),
    repeats,
    remakes,
    multiIf(free_of_charge, 'none', used, toString(e.usage_source), 'missing'),
    e.usage_partial AND is_final,
    used AND e.usage_assumed,
    if(used, e.input_uncached_tokens, 0),
    if(used, e.cache_read_tokens, 0),
    if(used, e.cache_write_5m_tokens, 0),
    if(used, e.cache_write_1h_tokens, 0),
    if(used, e.output_tokens, 0),
    if(used, e.reasoning_tokens, 0),
    multiIf(shared, map('gpu_seconds', toDecimal128(if(is_final, g.gpu_seconds, g.failed_gpu_seconds[row_number]) AS share_seconds, 6))::Map(LowCardinality(String), Decimal(38, 6)), used, p.billed_units, map()),
    if(used, e.units, map()),
    multiIf(shared, if((multiIf(g.cost_usd IS NULL OR is_final, g.cost_usd, g.failed_cost_usd[row_number]) AS share_usd) IS NULL, 'unpriced', 'priced'), free_of_charge, 'not_billed', NOT used, 'unmetered', p.state),
    multiIf(shared, if(share_usd IS NULL, ['gpu_seconds'], []), used, p.unpriced_units, []),
    if(used AND NOT shared, p.price_id, ''),
    if(used AND NOT shared, p.input_cost, NULL),
    if(used AND NOT shared, p.cache_read_cost, NULL),
    if(used AND NOT shared, p.cache_write_cost, NULL),
    if(used AND NOT shared, p.output_cost, NULL),
    multiIf(shared, toDecimal128(share_usd, 24), used, p.units_cost, NULL),
    multiIf(shared, share_usd, used, p.cost, free_of_charge, toDecimal128(0, 12), NULL),
    multiIf(shared, if(is_final OR share_usd IS NULL, g.cost_low_usd, g.failed_low_usd[row_number]), used, p.cost_low, free_of_charge, toDecimal128(0, 12), NULL),
    multiIf(shared, if(is_final OR share_usd IS NULL, g.cost_high_usd, g.failed_high_usd[row_number]), used, p.cost_high, free_of_charge, toDecimal128(0, 12), NULL),
    multiIf(shared, if(share_usd IS NULL, '', 'USD'), used, p.billed_currency, ''),
    multiIf(shared, share_usd, used, p.billed_cost, NULL),
    multiIf(shared, if(share_usd IS NULL, NULL, toDecimal128(1, 12)), used, p.usd_per_currency, NULL),
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
    multiIf(shared, toFloat64(share_seconds), is_final, e.gpu_seconds, 0.),
    multiIf(NOT is_final, NULL, shared, g.mfu, e.gpu_mfu),
    multiIf(NOT is_final, NULL, shared, g.mbu, e.gpu_mbu),
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
        tool_name,
        tool_is_near,
        called_by,
        purpose
    FROM
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
            tool_name,
            tool_is_near,
            purpose
        FROM span_runs
        WHERE (workspace, trace_id) IN (SELECT workspace, trace_id FROM settling WHERE version = {version:UInt64}) AND version = {version:UInt64}
    ) AS r
    LEFT ANY JOIN
    (
        SELECT workspace, trace_id, run_id, called_by
        FROM run_paths
        WHERE (workspace, trace_id) IN (SELECT workspace, trace_id FROM settling WHERE version = {version:UInt64}) AND version = {version:UInt64}
    ) AS c USING (workspace, trace_id, run_id)
) AS o USING (workspace, trace_id, span_id)
INNER JOIN priced AS p USING (workspace, trace_id, span_id)
LEFT ANY JOIN
(
    -- What attempts that failed carry is taken out of what the call does: the rest is the last attempt's.
    SELECT
        workspace,
        trace_id,
        span_id,
        any(pool) AS pool,
        count() AS of_windows,
        sum(own_seconds) AS gpu_seconds,
        if(countIf(own_usd IS NULL) = 0, sum(own_usd), NULL) AS cost_usd,
        if(cost_usd IS NULL, NULL, toDecimal128(sum(own_usd / (1 + error)), 12)) AS cost_low_usd,
        if(cost_usd IS NULL, NULL, toDecimal128(sum(own_usd * (1 + error)), 12)) AS cost_high_usd,
        sumForEach(s.failed_gpu_seconds) AS failed_gpu_seconds,
        sumForEach(s.failed_cost_usd) AS failed_cost_usd,
        sumForEach(arrayMap(usd -> toDecimal128(usd / (1 + failed_error), 12), s.failed_cost_usd)) AS failed_low_usd,
        sumForEach(arrayMap(usd -> toDecimal128(usd * (1 + failed_error), 12), s.failed_cost_usd)) AS failed_high_usd,
        if(countIf(own_seconds > 0 AND s.mfu IS NULL) = 0, sum(s.mfu * toFloat64(own_seconds)) / nullIf(toFloat64(gpu_seconds), 0), NULL) AS mfu,
        if(countIf(own_seconds > 0 AND s.mbu IS NULL) = 0, sum(s.mbu * toFloat64(own_seconds)) / nullIf(toFloat64(gpu_seconds), 0), NULL) AS mbu
    FROM
    (
        SELECT
            *,
            gpu_seconds - arraySum(failed_gpu_seconds) AS own_seconds,
            cost_usd - arraySum(failed_cost_usd) AS own_usd
        FROM gpu_shares FINAL
        WHERE (workspace, trace_id) IN (SELECT workspace, trace_id FROM settling WHERE version = {version:UInt64})
    ) AS s
    GROUP BY
        workspace,
        trace_id,
        span_id
) AS g USING (workspace, trace_id, span_id)
