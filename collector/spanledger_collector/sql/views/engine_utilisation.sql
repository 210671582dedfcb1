-- engine_utilisation: what each inference engine did, minute by minute, as it told of itself in /metrics.
-- grain: (workspace, tenant, minute, service_name, instance, engine, model). units: requests, shares of 1, tokens, FLOPs, bytes, seconds; NULL = not told.
-- Levels are those of the samples. Totals are what counters gained between two samples at most five minutes apart, in the minute of the
-- later one; a counter that went back began anew. Parts of a server (data-parallel ranks) are summed, shares averaged.
-- columns:
--   day                        UTC day of the minute
--   minute                     its begin
--   samples                    numbers told, of every measure
--   running_mean               requests that are computed
--   running_max                the most of any sample
--   waiting_mean               requests that wait for their turn
--   waiting_max                the most of any sample
--   kv_cache_mean_ratio        of the memory for caches: in use
--   kv_cache_max_ratio         the most of any sample
--   prefix_queried_tokens      of prompts that were looked up in the prefix cache
--   prefix_hit_tokens          of these: found there
--   prefix_hit_ratio           found by looked up
--   preemptions                requests that were thrown back into the queue, to be computed again
--   prompt_tokens              taken in
--   output_tokens              drawn
--   drafted_tokens             proposed by a draft (speculative decoding), to be checked
--   accepted_tokens            of these: kept
--   acceptance_ratio           kept by proposed
--   counted_seconds            time between the samples that these totals are of
--   prompt_tokens_per_second   in that time
--   output_tokens_per_second   in that time
--   flops_per_gpu              computed by each GPU, as vLLM reckons it (--enable-mfu-metrics); by the peak of the GPU and counted_seconds its MFU
--   read_bytes_per_gpu         read by each GPU from its memory, likewise
--   written_bytes_per_gpu      written by each GPU, likewise
CREATE OR REPLACE VIEW engine_utilisation AS
SELECT
    workspace,
    tenant,
    day,
    minute,
    service_name,
    instance,
    engine,
    model,
    sum(p.samples) AS samples,
    sumIfOrNull(p.mean, measure = 'requests_running') AS running_mean,
    sumIfOrNull(p.most, measure = 'requests_running') AS running_max,
    sumIfOrNull(p.mean, measure = 'requests_waiting') AS waiting_mean,
    sumIfOrNull(p.most, measure = 'requests_waiting') AS waiting_max,
    avgIfOrNull(p.mean, measure = 'kv_cache_used') AS kv_cache_mean_ratio,
    maxIfOrNull(p.most, measure = 'kv_cache_used') AS kv_cache_max_ratio,
    -- SGLang looks up every prompt, and has no counter of that.
    sumIfOrNull(p.gained, measure = if(engine = 'sglang', 'prompt_tokens', 'prefix_queried_tokens')) AS prefix_queried_tokens,
    sumIfOrNull(p.gained, measure = 'prefix_hit_tokens') AS prefix_hit_tokens,
    prefix_hit_tokens / nullIf(prefix_queried_tokens, 0) AS prefix_hit_ratio,
    sumIfOrNull(p.gained, measure = 'preemptions') AS preemptions,
    sumIfOrNull(p.gained, measure = 'prompt_tokens') AS prompt_tokens,
    sumIfOrNull(p.gained, measure = 'output_tokens') AS output_tokens,
    sumIfOrNull(p.gained, measure = 'drafted_tokens') AS drafted_tokens,
    sumIfOrNull(p.gained, measure = 'accepted_tokens') AS accepted_tokens,
    accepted_tokens / nullIf(drafted_tokens, 0) AS acceptance_ratio,
    -- Each part tells it of one of its GPUs.
    avgIfOrNull(p.gained, measure = 'flops_per_gpu') AS flops_per_gpu,
    avgIfOrNull(p.gained, measure = 'read_bytes_per_gpu') AS read_bytes_per_gpu,
    avgIfOrNull(p.gained, measure = 'written_bytes_per_gpu') AS written_bytes_per_gpu,
    max(p.seconds) AS counted_seconds,
    prompt_tokens / nullIf(counted_seconds, 0) AS prompt_tokens_per_second,
    output_tokens / nullIf(counted_seconds, 0) AS output_tokens_per_second
FROM
(
    SELECT
        workspace,
        tenant,
        day,
        toStartOfMinute(at, 'UTC') AS minute,
        service_name,
        instance,
        engine,
        model,
        part,
        measure,
        count() AS samples,
        avg(value) AS mean,
        max(value) AS most,
        sumOrNull(multiIf(
            kind = 'gauge', NULL,
            kind = 'delta', value,
            apart > 300, NULL,
            value >= before, value - before,
            value
        )) AS gained,
        sum(multiIf(kind = 'gauge', 0, kind = 'delta', (toUnixTimestamp64Nano(at) - toUnixTimestamp64Nano(began_at)) / 1e9, apart > 300, 0, apart)) AS seconds
    FROM
    (
        SELECT
            *,
            lagInFrame(value) OVER series AS before,
            (toUnixTimestamp64Nano(at) - toUnixTimestamp64Nano(lagInFrame(at) OVER series)) / 1e9 AS apart
        FROM
        (
            SELECT *, toDate(at, 'UTC') AS day, false AS carried
            FROM engine_samples FINAL
            UNION ALL
            -- Day by day, so that a period reads its days alone; each begins with what its counters were before it.
            SELECT *, toDate(at + INTERVAL 5 MINUTE, 'UTC') AS day, true AS carried
            FROM engine_samples FINAL
            WHERE kind = 'cumulative' AND toDate(at + INTERVAL 5 MINUTE, 'UTC') != toDate(at, 'UTC')
        )
        WINDOW series AS (
            PARTITION BY workspace, tenant, service_name, instance, engine, model, part, measure, day
            ORDER BY at
            ROWS BETWEEN 1 PRECEDING AND CURRENT ROW
        )
    )
    WHERE NOT carried
    GROUP BY
        workspace,
        tenant,
        day,
        minute,
        service_name,
        instance,
        engine,
        model,
        part,
        measure
) AS p
GROUP BY
    workspace,
    tenant,
    day,
    minute,
    service_name,
    instance,
    engine,
    model
