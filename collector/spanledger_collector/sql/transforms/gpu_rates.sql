-- gpu_rates: what GPU time costs, as the price book knows it now: rows of provider gpu with a rate for gpu_seconds in USD.
-- grain: one row a (pool, stretch of time). units: USD for per_seconds GPU seconds.
SELECT
    model AS pool,
    price_id,
    valid_from,
    valid_to,
    unit_rates['gpu_seconds'].usd AS usd,
    unit_rates['gpu_seconds'].per AS per_seconds
FROM price_history
WHERE provider = 'gpu' AND service_tier = '' AND region = '' AND currency = 'USD' AND known_to > now64(3, 'UTC')
    AND mapContains(unit_rates, 'gpu_seconds')
ORDER BY
    pool,
    valid_from,
    known_from
