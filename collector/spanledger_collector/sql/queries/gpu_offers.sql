-- gpu_offers: what an hour of a GPU of one's own costs now: devices by their names, and pools whose bill is this workspace's with the GPU they
--   are of.
-- parameters: workspace.
-- grain: one row a rate in force, cheapest first. units: USD an hour of one GPU.
-- columns: name (pool or device of the price), gpu_model (of the catalogue, or as its driver says), usd_per_hour.
SELECT
    h.model AS name,
    if(p.gpu_model != '', toString(p.gpu_model), toString(h.model)) AS gpu_model,
    CAST(
        roundBankers(toDecimal256(argMax(h.unit_rates['gpu_seconds'].usd, h.valid_from), 24) * 3600
            / nullIf(argMax(h.unit_rates['gpu_seconds'].per, h.valid_from), 0), 12)
        AS Decimal(38, 12)
    ) AS usd_per_hour
FROM price_history AS h
LEFT ANY JOIN
(
    SELECT
        w.pool AS pool,
        argMax(w.gpu_model, w.window_start) AS gpu_model,
        any(if(o.workspace = '', 'default', o.workspace)) AS owner
    FROM gpu_windows AS w FINAL
    LEFT JOIN gpu_pools AS o FINAL ON o.pool = w.pool
    GROUP BY pool
) AS p ON p.pool = h.model
WHERE h.provider = 'gpu' AND h.service_tier = '' AND h.region = '' AND h.currency = 'USD'
    AND h.known_to > now64(3, 'UTC') AND h.valid_from <= now64(3, 'UTC') AND h.valid_to > now64(3, 'UTC')
    AND mapContains(h.unit_rates, 'gpu_seconds')
    AND p.owner IN ('', {workspace:String})
GROUP BY
    name,
    gpu_model
ORDER BY
    usd_per_hour,
    name;
