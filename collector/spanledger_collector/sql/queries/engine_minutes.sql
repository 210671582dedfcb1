-- engine_minutes: what each inference engine did, minute by minute, newest first.
-- parameters: workspace; since, until (begin of the minutes, until exclusive); limit.
-- grain: (service_name, instance, engine, model, minute). units: requests, shares of 1, tokens; NULL = not told.
-- columns: minute, service_name, instance, engine, model, running_mean, running_max, waiting_mean, waiting_max, kv_cache_mean_ratio,
--   kv_cache_max_ratio, prefix_queried_tokens, prefix_hit_tokens, prefix_hit_ratio, preemptions, prompt_tokens, output_tokens, counted_seconds,
--   prompt_tokens_per_second, output_tokens_per_second.
SELECT
    minute,
    service_name,
    instance,
    engine,
    model,
    running_mean,
    running_max,
    waiting_mean,
    waiting_max,
    kv_cache_mean_ratio,
    kv_cache_max_ratio,
    prefix_queried_tokens,
    prefix_hit_tokens,
    prefix_hit_ratio,
    preemptions,
    prompt_tokens,
    output_tokens,
    counted_seconds,
    prompt_tokens_per_second,
    output_tokens_per_second
FROM engine_utilisation
WHERE workspace = {workspace:String}
    AND day >= toDate({since:DateTime64(9)}, 'UTC')
    AND day <= toDate({until:DateTime64(9)} - INTERVAL 1 NANOSECOND, 'UTC')
    AND minute >= {since:DateTime64(9)}
    AND minute < {until:DateTime64(9)}
ORDER BY
    minute DESC,
    service_name,
    instance,
    engine,
    model
LIMIT {limit:UInt32}
