-- gpu_hosts: the model calls of an agent that GPUs of one's own answered, by what answered them: a pool (gpu_windows), or the device that a call
--   measured itself on. What other formats and GPUs are held against.
-- parameters: workspace; agent_name; since, until (start of the run, until exclusive).
-- grain: one row a model, GPU, count and format, dearest first. units: USD; tokens; seconds; bytes.
-- columns: model (architecture of the pool, else the model that answered, else the one asked for), gpu_model (of the catalogue, or as its driver
--   says; empty = not told), gpus (that share the model; 1 where nothing is told), weight_format (of the pool; empty = not told), weight_bytes
--   (as calls tell; 0 = not told), runs (with such calls), compared_runs (the cost of all of their such calls is known), attempts,
--   compared_attempts, calls (of those, that used tokens), input_tokens, cache_read_tokens (of them), output_tokens, gpu_seconds (of the compared
--   attempts), call_seconds (their durations, summed), billed_usd, cost_mean_usd, cost_variance, cost_skewness (of a run's such calls, over
--   compared_runs; floats but the mean), compared_traces (that these are in), trace_cost_variance, trace_cost_skewness (of traces apart,
--   arithmetic/trace_apart: what the mean is drawn with where these are fewer).
WITH
    own AS
    (
        SELECT
            *,
            if(response_model != '', response_model, request_model) AS answered_by
        FROM attempts FINAL
        WHERE workspace = {workspace:String}
            AND agent_name = {agent_name:String}
            AND
            @include arithmetic/of_runs
            AND counted
            AND priced_provider = 'gpu'
            AND operation NOT IN ('execute_tool', 'effort', 'expense', 'load_model')
    ),
    devices AS
    (
        SELECT
            trace_id,
            span_id,
            gpu_model,
            gpu_count
        FROM spans
        WHERE workspace = {workspace:String} AND gpu_model != '' AND trace_id IN (SELECT trace_id FROM own)
    ),
    pools AS
    (
        SELECT
            s.trace_id AS trace_id,
            s.span_id AS span_id,
            argMax(w.gpu_model, w.window_start) AS gpu_model,
            argMax(intDiv(w.gpus, greatest(w.replicas, 1)), w.window_start) AS gpus,
            argMax(w.model, w.window_start) AS model,
            argMax(w.weight_format, w.window_start) AS weight_format
        FROM gpu_shares AS s FINAL
        INNER JOIN gpu_windows AS w FINAL ON w.pool = s.pool AND w.window_start = s.window_start
        WHERE s.workspace = {workspace:String} AND s.trace_id IN (SELECT trace_id FROM own)
        GROUP BY
            trace_id,
            span_id
    )
SELECT
    model,
    gpu_model,
    gpus,
    weight_format,
    max(trace_weight_bytes) AS weight_bytes,
    sum(runs_n) AS runs,
    sum(compared_n) AS compared_runs,
    sum(trace_attempts) AS attempts,
    sum(trace_compared) AS compared_attempts,
    sum(trace_calls) AS calls,
    sum(trace_input_tokens) AS input_tokens,
    sum(trace_cache_read_tokens) AS cache_read_tokens,
    sum(trace_output_tokens) AS output_tokens,
    sum(trace_gpu_seconds) AS gpu_seconds,
    sum(trace_call_seconds) AS call_seconds,
    ifNull(sum(trace_billed_usd), toDecimal128(0, 12)) AS billed_usd,
    toDecimal128(roundBankers(toDecimal256(sum(compared_usd), 24) / nullIf(compared_runs, 0), 12), 12) AS cost_mean_usd,
    ifNotFinite(varSampStableArray(costs), 0) AS cost_variance,
    ifNotFinite(skewSampArray(costs), 0) AS cost_skewness,
    countIf(compared_n > 0) AS compared_traces,
    @include arithmetic/trace_shape of=trace_cost in=compared
FROM
(
    SELECT
        *,
        @include arithmetic/trace_apart of=trace_cost in=compared
    FROM
    (
        SELECT
            model,
            gpu_model,
            gpus,
            weight_format,
            trace_id,
            max(run_weight_bytes) AS trace_weight_bytes,
            count() AS runs_n,
            countIf(run_attempts = run_compared) AS compared_n,
            sum(run_attempts) AS trace_attempts,
            sum(run_compared) AS trace_compared,
            sum(run_calls) AS trace_calls,
            sum(run_input_tokens) AS trace_input_tokens,
            sum(run_cache_read_tokens) AS trace_cache_read_tokens,
            sum(run_output_tokens) AS trace_output_tokens,
            sum(run_gpu_seconds) AS trace_gpu_seconds,
            sum(run_call_seconds) AS trace_call_seconds,
            sum(run_billed_usd) AS trace_billed_usd,
            sumIf(ifNull(run_billed_usd, 0), run_attempts = run_compared) AS compared_usd,
            groupArrayIf(toFloat64(ifNull(run_billed_usd, 0)), run_attempts = run_compared) AS costs,
            arraySum(costs) AS trace_cost_sum
        FROM
        (
            SELECT
                if(p.model != '', p.model, toString(a.answered_by)) AS model,
                if(p.gpu_model != '', p.gpu_model, toString(d.gpu_model)) AS gpu_model,
                greatest(if(p.gpus > 0, p.gpus, d.gpu_count), 1) AS gpus,
                toString(p.weight_format) AS weight_format,
                a.trace_id AS trace_id,
                a.run_id AS run_id,
                max(a.vram_weights_bytes) AS run_weight_bytes,
                count() AS run_attempts,
                countIf(a.cost_usd IS NOT NULL) AS run_compared,
                countIf(a.cost_usd IS NOT NULL AND a.output_tokens > 0) AS run_calls,
                sumIf(
                    a.input_uncached_tokens + a.cache_read_tokens + a.cache_write_5m_tokens + a.cache_write_1h_tokens,
                    a.cost_usd IS NOT NULL AND a.output_tokens > 0
                ) AS run_input_tokens,
                sumIf(a.cache_read_tokens, a.cost_usd IS NOT NULL AND a.output_tokens > 0) AS run_cache_read_tokens,
                sumIf(a.output_tokens, a.cost_usd IS NOT NULL) AS run_output_tokens,
                sumIf(a.gpu_seconds, a.cost_usd IS NOT NULL) AS run_gpu_seconds,
                sumIf(a.duration_ns / 1e9, a.cost_usd IS NOT NULL) AS run_call_seconds,
                sum(a.cost_usd) AS run_billed_usd
            FROM own AS a
            LEFT ANY JOIN pools AS p ON p.trace_id = a.trace_id AND p.span_id = a.span_id
            LEFT ANY JOIN devices AS d ON d.trace_id = a.trace_id AND d.span_id = a.span_id
            GROUP BY
                model,
                gpu_model,
                gpus,
                weight_format,
                trace_id,
                run_id
        )
        GROUP BY
            model,
            gpu_model,
            gpus,
            weight_format,
            trace_id
    )
    WINDOW g AS (PARTITION BY model, gpu_model, gpus, weight_format)
)
GROUP BY
    model,
    gpu_model,
    gpus,
    weight_format
ORDER BY
    billed_usd DESC,
    model,
    gpu_model,
    gpus,
    weight_format;
