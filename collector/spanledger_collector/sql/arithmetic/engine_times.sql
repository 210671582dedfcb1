-- engine_times: by call, the times that a server told on a span of its own below it (vLLM's gen_ai.latency.*, seconds).
-- grain: (workspace, trace_id, span_id of the call). units: nanoseconds; 0 = not known. parameters: since, until (as DateTime64).
SELECT
    v.workspace AS workspace,
    v.trace_id AS trace_id,
    if(o.enclosing_call = '', v.span_id, o.enclosing_call) AS span_id,
    max(v.queue_ns) AS queue_ns,
    max(v.prefill_ns) AS prefill_ns,
    max(v.decode_ns) AS decode_ns
FROM
(
    SELECT
        workspace,
        trace_id,
        span_id,
        toUInt64(greatest(toFloat64OrZero(attributes['gen_ai.latency.time_in_queue']), 0) * 1e9) AS queue_ns,
        toUInt64(greatest(toFloat64OrZero(attributes['gen_ai.latency.time_in_model_prefill']), 0) * 1e9) AS prefill_ns,
        toUInt64(greatest(toFloat64OrZero(attributes['gen_ai.latency.time_in_model_decode']), 0) * 1e9) AS decode_ns
    FROM spans
    WHERE role = 'engine' AND started_at > {since:DateTime64(3)} - INTERVAL 1 DAY AND started_at < {until:DateTime64(3)}
) AS v
LEFT ANY JOIN
(
    SELECT workspace, trace_id, span_id, argMax(enclosing_call, version) AS enclosing_call
    FROM span_runs
    WHERE (workspace, trace_id) IN (
        SELECT workspace, trace_id
        FROM spans
        WHERE role = 'engine' AND started_at > {since:DateTime64(3)} - INTERVAL 1 DAY AND started_at < {until:DateTime64(3)}
    )
    GROUP BY workspace, trace_id, span_id
) AS o USING (workspace, trace_id, span_id)
GROUP BY workspace, trace_id, span_id
