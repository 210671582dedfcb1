-- gpu_calls_by_window: which windows of time have calls of providers that run on GPUs of one's own, and a fingerprint of them
--   and of what their server told of them.
-- grain: (window, provider, model, server). units: seconds since 1970. A call is in every window that it lasts into.
-- parameters: since, until (of the windows), seconds (length of a window), providers (LIKE patterns, joined by newlines).
SELECT
    arrayJoin(range(
        toUInt32(intDiv(toUnixTimestamp(greatest(a.started_at, {since:DateTime})), {seconds:UInt32}) * {seconds:UInt32}),
        toUInt32(intDiv(toUnixTimestamp64Nano(least(a.ended_at, toDateTime64({until:DateTime}, 9))) - 1, 1000000000) + 1),
        {seconds:UInt32}
    )) AS window_start,
    a.provider AS provider,
    if(a.request_model != '', a.request_model, a.response_model) AS model,
    s.server_address AS server,
    count() AS calls,
    sum(cityHash64(a.workspace, a.trace_id, a.span_id, a.started_at, a.ended_at, a.ttft_ns, a.loads, a.tokens, e.queue_ns, e.prefill_ns, e.decode_ns)) AS fingerprint
FROM
(
    SELECT workspace, trace_id, span_id, provider, request_model, response_model, started_at, ended_at, ttft_ns, false AS loads,
        (usage_source, input_uncached_tokens, cache_read_tokens, cache_write_5m_tokens, cache_write_1h_tokens, output_tokens) AS tokens
    FROM attempts FINAL
    WHERE counted AND outcome != 'retried' AND ended_at > started_at AND started_at < {until:DateTime} AND ended_at > {since:DateTime}
        AND started_at > {since:DateTime} - INTERVAL 1 DAY AND provider IN splitByChar('\n', {providers:String})
    UNION ALL
    SELECT workspace, trace_id, span_id, provider, request_model, response_model, started_at, ended_at, ttft_ns, true AS loads,
        ('', 0, 0, 0, 0, 0) AS tokens
    FROM
    (
        @include arithmetic/pool_loads
    )
) AS a
LEFT ANY JOIN
(
    SELECT workspace, trace_id, span_id, server_address
    FROM spans
    WHERE started_at > {since:DateTime} - INTERVAL 1 DAY AND started_at < {until:DateTime} AND provider IN splitByChar('\n', {providers:String})
) AS s USING (workspace, trace_id, span_id)
LEFT ANY JOIN
(
    @include arithmetic/engine_times
) AS e USING (workspace, trace_id, span_id)
GROUP BY
    window_start,
    provider,
    model,
    server
