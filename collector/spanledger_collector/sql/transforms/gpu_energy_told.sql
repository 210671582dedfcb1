-- gpu_energy_told: which devices told power or energy, by five minutes, and a fingerprint of what they told.
-- grain: (host, device_id, stretch of five minutes). parameters: workspace, since, until.
SELECT
    host,
    device_id,
    min(at) AS first_at,
    max(at) AS last_at,
    count() AS readings,
    sum(cityHash64(metric, kind, began_at, at, value)) AS fingerprint
FROM gpu_samples FINAL
WHERE workspace = {workspace:String} AND metric IN ('hw.power', 'hw.energy')
    AND at > {since:DateTime64(9)} AND at < {until:DateTime64(9)}
GROUP BY
    host,
    device_id,
    toStartOfInterval(at, INTERVAL 5 MINUTE, 'UTC')
ORDER BY
    host,
    device_id,
    first_at
