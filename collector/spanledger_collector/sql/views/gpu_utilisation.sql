-- gpu_utilisation: what each GPU did, by UTC day, as it told of itself (hw.* metrics over OTLP): time in use, memory, power, energy.
-- grain: (workspace, day, host, device_id). units: shares of 1, bytes, watts, kWh; NULL = not told.
-- A mean is that of the samples. Energy is what its counter gained between the samples of the day, and since the last one of the hour
-- before it (a counter that begins anew loses what it had since the sample before), or the sum of what was told as deltas, but for one above 3 kW in the mean: the
-- first delta of a process may hold all since the driver was loaded. It is the board's alone, without what cools it.
-- columns:
--   day                     UTC day of the samples
--   samples                 numbers told, of every metric
--   first_at                the first of the day
--   last_at                 the last of the day
--   utilisation_mean        share of the time in which it computed; the whole device, no single engine of it
--   utilisation_max         the most of any sample
--   memory_used_mean_bytes  in use; an engine takes most of it when it starts, whatever it serves
--   memory_used_max_bytes   the most of any sample
--   memory_limit_bytes      there is, at most
--   power_mean_watts        drawn
--   power_max_watts         the most of any sample
--   energy_kwh              measured
CREATE OR REPLACE VIEW gpu_utilisation AS
WITH
    arraySort(groupArrayIf((at, value, carried), kind = 'cumulative')) AS counted
SELECT
    workspace,
    day,
    host,
    device_id,
    any(device_name) AS device_name,
    countIf(NOT carried) AS samples,
    minIf(at, NOT carried) AS first_at,
    maxIf(at, NOT carried) AS last_at,
    avgIfOrNull(value, metric = 'hw.gpu.utilization' AND task IN ('', 'general')) AS utilisation_mean,
    maxIfOrNull(value, metric = 'hw.gpu.utilization' AND task IN ('', 'general')) AS utilisation_max,
    avgIfOrNull(value, metric = 'hw.gpu.memory.usage') AS memory_used_mean_bytes,
    maxIfOrNull(value, metric = 'hw.gpu.memory.usage') AS memory_used_max_bytes,
    maxIfOrNull(value, metric = 'hw.gpu.memory.limit') AS memory_limit_bytes,
    avgIfOrNull(value, metric = 'hw.power') AS power_mean_watts,
    maxIfOrNull(value, metric = 'hw.power') AS power_max_watts,
    if(
        (length(counted) > 1 AND NOT counted[-1].3) OR countIf(kind = 'delta') > 0,
        (
            arraySum((gained, sample) -> if(sample.3, 0, greatest(gained, 0)), arrayDifference(counted.2), counted)
            + sumIf(value, kind = 'delta' AND value <= 3000 * (toUnixTimestamp64Nano(at) - toUnixTimestamp64Nano(began_at)) / 1e9)
        ) / 3.6e6,
        NULL
    ) AS energy_kwh
FROM
(
    SELECT *, toDate(at, 'UTC') AS day, false AS carried
    FROM gpu_samples FINAL
    UNION ALL
    -- Day by day, so that a period reads its days alone; each begins with what its counters were before it.
    SELECT *, toDate(at + INTERVAL 1 HOUR, 'UTC') AS day, true AS carried
    FROM gpu_samples FINAL
    WHERE metric = 'hw.energy' AND kind = 'cumulative' AND toDate(at + INTERVAL 1 HOUR, 'UTC') != toDate(at, 'UTC')
)
GROUP BY
    workspace,
    day,
    host,
    device_id
HAVING samples > 0
