-- pools: the bill of GPUs of one's own over a period of whole days (UTC): what was paid, who used it, what nobody used.
-- parameters: workspace (who reads the bill); since, until (begin of a window, until exclusive; days are taken whole); by (total | day: the
--   whole period, or each of its days).
-- grain: (pool, day), newest first where by = day, else the dearest first. units: GPU-seconds, USD (NULL = no rate is known for any of it),
--   kWh, kg CO2e (NULL = not known for any of it).
-- columns: pool, day (empty = the whole period), gpu_model, gpus (at once, at most), calls_in_windows, billed_gpu_seconds,
--   attributed_gpu_seconds, load_gpu_seconds, idle_gpu_seconds, billed_usd, attributed_usd, waste_usd (part of attributed_usd), load_usd,
--   idle_usd (attributed + load + idle = billed), utilisation, fully_loaded_factor (NULL = no call), unpriced_gpu_seconds (no rate is known),
--   energy_kwh_low, energy_kwh_high, unknown_energy_gpu_seconds, co2e_kg_low, co2e_kg_high, unknown_co2e_gpu_seconds, flops_total,
--   unknown_work_gpu_seconds (of calls in no utilisation), peak_format, mfu_low, mfu_high, mbu_low, mbu_high (of the time of calls whose work is
--   known, at dense peaks; NULL = not known).
SELECT
    pool,
    if({by:String} = 'day', toString(b.day), '') AS day,
    any(b.gpu_model) AS gpu_model,
    max(b.gpus) AS gpus,
    sum(b.calls_in_windows) AS calls_in_windows,
    sum(b.billed_gpu_seconds) AS billed_gpu_seconds,
    sum(b.attributed_gpu_seconds) AS attributed_gpu_seconds,
    sum(b.load_gpu_seconds) AS load_gpu_seconds,
    sum(b.idle_gpu_seconds) AS idle_gpu_seconds,
    sum(b.billed_usd) AS billed_usd,
    sum(b.attributed_usd) AS attributed_usd,
    sum(b.waste_usd) AS waste_usd,
    sum(b.load_usd) AS load_usd,
    sum(b.idle_usd) AS idle_usd,
    toFloat64(attributed_gpu_seconds) / toFloat64(billed_gpu_seconds) AS utilisation,
    if(attributed_gpu_seconds > 0, toFloat64(billed_gpu_seconds) / toFloat64(attributed_gpu_seconds), NULL) AS fully_loaded_factor,
    sum(b.unpriced_gpu_seconds) AS unpriced_gpu_seconds,
    sum(b.energy_kwh_low) AS energy_kwh_low,
    sum(b.energy_kwh_high) AS energy_kwh_high,
    sum(b.unknown_energy_gpu_seconds) AS unknown_energy_gpu_seconds,
    sum(b.co2e_kg_low) AS co2e_kg_low,
    sum(b.co2e_kg_high) AS co2e_kg_high,
    sum(b.unknown_co2e_gpu_seconds) AS unknown_co2e_gpu_seconds,
    sum(b.flops_total) AS flops_total,
    sum(b.unknown_work_gpu_seconds) AS unknown_work_gpu_seconds,
    anyIf(b.peak_format, b.peak_format != '') AS peak_format,
    sum(b.mfu_low * b.peak_flops_of_work) / nullIf(sum(b.peak_flops_of_work), 0) AS mfu_low,
    sum(b.mfu_high * b.peak_flops_of_work) / nullIf(sum(b.peak_flops_of_work), 0) AS mfu_high,
    sum(b.mbu_low * b.peak_bytes_of_work) / nullIf(sum(b.peak_bytes_of_work), 0) AS mbu_low,
    sum(b.mbu_high * b.peak_bytes_of_work) / nullIf(sum(b.peak_bytes_of_work), 0) AS mbu_high
FROM gpu_bill AS b
WHERE b.workspace = {workspace:String}
    AND b.day >= toDate({since:DateTime64(9)}, 'UTC')
    AND b.day <= toDate({until:DateTime64(9)} - INTERVAL 1 NANOSECOND, 'UTC')
GROUP BY
    pool,
    day
ORDER BY
    day DESC,
    billed_usd DESC NULLS LAST,
    pool
