-- gpu_energy_readings: what devices told of their power and energy. grain: one row a number. units: watts, joules, nanoseconds since 1970.
-- parameters: workspace, since, until, devices (ids, joined by newlines).
SELECT
    host,
    device_id,
    if(metric = 'hw.power', 'power', toString(kind)) AS kind,
    toUnixTimestamp64Nano(began_at) AS began_at_ns,
    toUnixTimestamp64Nano(at) AS at_ns,
    value
FROM gpu_samples FINAL
WHERE workspace = {workspace:String} AND metric IN ('hw.power', 'hw.energy')
    AND at > {since:DateTime64(9)} AND at < {until:DateTime64(9)}
    AND device_id IN splitByChar('\n', {devices:String})
ORDER BY
    host,
    device_id,
    at_ns
