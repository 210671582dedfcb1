-- engines: what each inference engine did over a period, by its own account: requests, cache, preemptions, tokens.
-- parameters: workspace; since, until (begin of the minutes, until exclusive).
-- grain: (service_name, instance, engine, model). units: requests, shares of 1, tokens; NULL = not told.
-- columns: service_name, instance, engine, model, first_at, last_at (minutes), minutes, running_mean, running_max, waiting_mean, waiting_max,
--   kv_cache_mean_ratio, kv_cache_max_ratio, prefix_queried_tokens, prefix_hit_tokens, prefix_hit_ratio, preemptions, prompt_tokens, output_tokens,
--   counted_seconds, prompt_tokens_per_second, output_tokens_per_second.
SELECT
    service_name,
    instance,
    engine,
    model,
    min(e.minute) AS first_at,
    max(e.minute) AS last_at,
    count() AS minutes,
    avg(e.running_mean) AS running_mean,
    max(e.running_max) AS running_max,
    avg(e.waiting_mean) AS waiting_mean,
    max(e.waiting_max) AS waiting_max,
    avg(e.kv_cache_mean_ratio) AS kv_cache_mean_ratio,
    max(e.kv_cache_max_ratio) AS kv_cache_max_ratio,
    sum(e.prefix_queried_tokens) AS prefix_queried_tokens,
    sum(e.prefix_hit_tokens) AS prefix_hit_tokens,
    prefix_hit_tokens / nullIf(prefix_queried_tokens, 0) AS prefix_hit_ratio,
    sum(e.preemptions) AS preemptions,
    sum(e.prompt_tokens) AS prompt_tokens,
    sum(e.output_tokens) AS output_tokens,
    sum(e.counted_seconds) AS counted_seconds,
    prompt_tokens / nullIf(counted_seconds, 0) AS prompt_tokens_per_second,
    output_tokens / nullIf(counted_seconds, 0) AS output_tokens_per_second
FROM engine_utilisation AS e
WHERE workspace = {workspace:String}
    AND day >= toDate({since:DateTime64(9)}, 'UTC')
    AND day <= toDate({until:DateTime64(9)} - INTERVAL 1 NANOSECOND, 'UTC')
    AND minute >= {since:DateTime64(9)}
    AND minute < {until:DateTime64(9)}
GROUP BY
    service_name,
    instance,
    engine,
    model
ORDER BY
    service_name,
    instance,
    engine,
    model
