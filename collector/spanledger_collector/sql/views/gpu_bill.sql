-- gpu_bill: what GPUs of one's own were billed, and where it went, by pool and UTC day of the window.
-- attributed_usd + load_usd + idle_usd = billed_usd, exactly; attributed_usd is the sum over gpu_shares, which attempts carry.
-- grain: (pool, day). units: GPU-seconds, USD (NULL = no rate is known for any of it), kWh, kg.
-- columns:
--   day                   UTC day of the begin of the window
--   gpus                  GPUs billed at once, at most
--   calls_in_windows      calls, each in every window that it lasts into
--   utilisation           share of the billed time in which some call was served
--   fully_loaded_factor   billed by attributed time: what a call's cost is multiplied by, to carry loading and idle time too; NULL = no call
--   waste_usd             part of attributed_usd: computing preempted work again
--   energy_kwh_low        of the GPUs: a third of their power limit under load, a tenth of it idle, times 1.09 for the data centre; 0 = not known
--   energy_kwh_high       all of their power limit under load, a third of it idle, times 1.56
--   unpriced_gpu_seconds  billed time for which no rate is known
CREATE OR REPLACE VIEW gpu_bill AS
SELECT
    pool,
    toDate(window_start, 'UTC') AS day,
    any(gpu_model) AS gpu_model,
    max(gpus) AS gpus,
    sum(calls) AS calls_in_windows,
    sum(billed_gpu_seconds) AS billed_gpu_seconds,
    sum(attributed_gpu_seconds) AS attributed_gpu_seconds,
    sum(load_gpu_seconds) AS load_gpu_seconds,
    sum(idle_gpu_seconds) AS idle_gpu_seconds,
    sum(w.billed_usd) AS billed_usd,
    sum(w.attributed_usd) AS attributed_usd,
    sum(w.waste_usd) AS waste_usd,
    sum(w.load_usd) AS load_usd,
    sum(w.idle_usd) AS idle_usd,
    toFloat64(attributed_gpu_seconds) / toFloat64(billed_gpu_seconds) AS utilisation,
    if(attributed_gpu_seconds > 0, toFloat64(billed_gpu_seconds) / toFloat64(attributed_gpu_seconds), NULL) AS fully_loaded_factor,
    sum(watts * (toFloat64(w.attributed_gpu_seconds) * 0.3 + toFloat64(w.load_gpu_seconds + w.idle_gpu_seconds) * 0.1)) * 1.09 / 3.6e6 AS energy_kwh_low,
    sum(watts * (toFloat64(w.attributed_gpu_seconds) + toFloat64(w.load_gpu_seconds + w.idle_gpu_seconds) * 0.3)) * 1.56 / 3.6e6 AS energy_kwh_high,
    sumIf(w.billed_gpu_seconds, w.billed_usd IS NULL) AS unpriced_gpu_seconds
FROM gpu_windows AS w FINAL
GROUP BY
    pool,
    day
