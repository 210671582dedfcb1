-- gpu_calls: the calls of providers that run on GPUs of one's own in a stretch of time, with what is known of their work, and the loading
--   of their models in an application's process, which is all loading.
-- grain: one row a counted call, or load, that lasts into it. units: nanoseconds since 1970 (_at_ns), nanoseconds (_ns); 0 = not known.
-- parameters: since, until, providers (joined by newlines).
-- waited_ns: the client waited so long between attempts that it made again by itself. failed_ns, failed_wait_ns: how long each of those that
--   failed lasted, and the wait after it, where all are told; else empty.
-- cache_told: false = nobody told what of the prompt was found in a prefix cache, so 0 cached tokens is no count; who else than our SDK
--   instruments a client does not tell the two apart.
-- Times of a server are those of its answer, else those of its own span below the call (vLLM's gen_ai.latency.*, seconds).
SELECT
    a.workspace AS workspace,
    a.trace_id AS trace_id,
    a.span_id AS span_id,
    a.provider AS provider,
    if(a.request_model != '', a.request_model, a.response_model) AS model,
    s.server_address AS server,
    toUnixTimestamp64Nano(a.started_at) AS started_at_ns,
    toUnixTimestamp64Nano(a.ended_at) AS ended_at_ns,
    a.ttft_ns AS ttft_ns,
    if(s.queue_ns > 0, s.queue_ns, e.queue_ns) AS queue_ns,
    s.waited_ns AS waited_ns,
    s.failed_ns AS failed_ns,
    s.failed_wait_ns AS failed_wait_ns,
    if(a.loads, ended_at_ns - started_at_ns, s.load_ns) AS load_ns,
    a.loads AS loads,
    if(s.prefill_ns > 0, s.prefill_ns, e.prefill_ns) AS prefill_ns,
    if(s.decode_ns > 0, s.decode_ns, e.decode_ns) AS decode_ns,
    s.recomputed_tokens AS recomputed_tokens,
    s.accepted_tokens AS accepted_tokens,
    a.input_uncached_tokens + a.cache_read_tokens + a.cache_write_5m_tokens + a.cache_write_1h_tokens AS prompt_tokens,
    a.cache_read_tokens AS cached_tokens,
    a.cache_read_tokens > 0 OR a.loads OR NOT s.cache_untold AS cache_told,
    a.output_tokens AS output_tokens,
    a.usage_source IN ('provider', 'estimated') AS tokens_known
FROM
(
    SELECT
        workspace, trace_id, span_id, provider, request_model, response_model, started_at, ended_at, ttft_ns,
        input_uncached_tokens, cache_read_tokens, cache_write_5m_tokens, cache_write_1h_tokens, output_tokens, usage_source, false AS loads
    FROM attempts FINAL
    WHERE counted AND outcome != 'retried' AND ended_at > started_at AND started_at < {until:DateTime64(3)} AND ended_at > {since:DateTime64(3)}
        AND started_at > {since:DateTime64(3)} - INTERVAL 1 DAY AND provider IN splitByChar('\n', {providers:String})
    UNION ALL
    SELECT
        workspace, trace_id, span_id, provider, request_model, response_model, started_at, ended_at, ttft_ns,
        input_uncached_tokens, cache_read_tokens, cache_write_5m_tokens, cache_write_1h_tokens, output_tokens, '' AS usage_source, true AS loads
    FROM
    (
        @include arithmetic/pool_loads
    )
) AS a
LEFT ANY JOIN
(
    SELECT
        workspace,
        trace_id,
        span_id,
        server_address,
        toUInt64(arraySum(arraySlice(retry_wait_seconds, 1, 1000)) * 1e9) AS waited_ns,
        arrayFilter(seconds -> isFinite(seconds) AND seconds BETWEEN 0 AND 86400, arrayMap(
            told -> ifNull(toFloat64OrNull(told), -1),
            splitByChar(',', attributes['spanledger.retry.attempt_seconds'])
        )) AS lasted_seconds,
        length(lasted_seconds) = length(retry_reasons) AND length(retry_wait_seconds) = length(retry_reasons) AS all_told,
        if(all_told, arrayMap(seconds -> toUInt64(seconds * 1e9), lasted_seconds), []) AS failed_ns,
        if(all_told, arrayMap(seconds -> toUInt64(least(seconds, 86400) * 1e9), retry_wait_seconds), []) AS failed_wait_ns,
        toUInt64OrZero(attributes['spanledger.server.queue_ns']) AS queue_ns,
        toUInt64OrZero(attributes['spanledger.server.load_ns']) AS load_ns,
        toUInt64OrZero(attributes['spanledger.server.prefill_ns']) AS prefill_ns,
        toUInt64OrZero(attributes['spanledger.server.decode_ns']) AS decode_ns,
        toUInt64OrZero(attributes['spanledger.server.recomputed_tokens']) AS recomputed_tokens,
        toUInt64OrZero(attributes['spanledger.server.accepted_tokens']) AS accepted_tokens,
        dialect != 'spanledger' OR attributes['spanledger.server.cache_untold'] = 'true' AS cache_untold
    FROM spans
    WHERE started_at > {since:DateTime64(3)} - INTERVAL 1 DAY AND started_at < {until:DateTime64(3)} AND provider IN splitByChar('\n', {providers:String})
) AS s USING (workspace, trace_id, span_id)
LEFT ANY JOIN
(
    @include arithmetic/engine_times
) AS e USING (workspace, trace_id, span_id)
ORDER BY
    started_at_ns,
    trace_id,
    span_id
