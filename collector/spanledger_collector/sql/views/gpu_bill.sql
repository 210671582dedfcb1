-- gpu_bill: what GPUs of one's own were billed, and where it went, by pool and UTC day of the window.
-- attributed_usd + load_usd + idle_usd = billed_usd, exactly; attributed_usd is the sum over gpu_shares, which attempts carry.
-- grain: (workspace, pool, day). units: GPU-seconds, USD (NULL = no rate is known for any of it), kWh, kg CO2e (NULL = not known for any of it),
--   FLOPs, shares of 1.
-- columns:
--   workspace                   who reads the bill of the pool, as the file of pools says; shares of calls are in the workspaces of the calls
--   day                         UTC day of the begin of the window
--   gpus                        GPUs billed at once, at most
--   calls_in_windows            calls, each in every window that it lasts into
--   utilisation                 share of the billed time in which some call was served
--   fully_loaded_factor         billed by attributed time: what a call's cost is multiplied by, to carry loading and idle time too; NULL = no call
--   waste_usd                   part of attributed_usd: computing preempted work again
--   energy_source               measured | measured in part | power limit (bounds, gpu_window_energy) | empty: not known
--   energy_kwh_low              of the data centre for these GPUs, where it is known
--   energy_kwh_high             high end of that
--   energy_measured_share       of the billed time: the GPUs told what they drew
--   unknown_energy_gpu_seconds  billed time in none of these: nothing was told, and the GPU is not known
--   co2e_kg_low                 emitted for it, at the low end of the grid of the file of pools; NULL = no grid is told
--   co2e_kg_high                high end of that
--   unknown_co2e_gpu_seconds    billed time whose energy or grid is not known
--   grid_source                 who says what the grid emits
--   unpriced_gpu_seconds        billed time for which no rate is known
--   flops_total                 useful FLOPs of the calls whose tokens are known, of a pool whose model is known
--   unknown_work_gpu_seconds    part of attributed_gpu_seconds: of calls whose FLOPs are not known; they are in no utilisation
--   peak_format                 what peaks are of: the format that weights are multiplied in; empty = not known
--   peak_flops_of_work          what these GPUs could have computed in the time of those calls, at their dense peaks
--   peak_bytes_of_work          what they could have read, where what was read is known
--   mfu_low                     FLOPs by the dense peaks of the GPUs in the time of these calls, not of idle time; NULL = GPU, model or all tokens not known
--   mfu_high                    high end of that; the same where the architecture is known exactly
--   mbu_low                     bytes that had to be read by the bandwidth of the GPUs, in the same time: weights a step, every cache once; NULL likewise
--   mbu_high                    the same, a cache as often as GPUs keep a copy of it
CREATE OR REPLACE VIEW gpu_bill AS
SELECT
    e.workspace AS workspace,
    pool,
    toDate(window_start, 'UTC') AS day,
    any(w.gpu_model) AS gpu_model,
    max(w.gpus) AS gpus,
    sum(w.calls) AS calls_in_windows,
    sum(w.billed_gpu_seconds) AS billed_gpu_seconds,
    sum(w.attributed_gpu_seconds) AS attributed_gpu_seconds,
    sum(w.load_gpu_seconds) AS load_gpu_seconds,
    sum(w.idle_gpu_seconds) AS idle_gpu_seconds,
    sum(w.billed_usd) AS billed_usd,
    sum(w.attributed_usd) AS attributed_usd,
    sum(w.waste_usd) AS waste_usd,
    sum(w.load_usd) AS load_usd,
    sum(w.idle_usd) AS idle_usd,
    toFloat64(attributed_gpu_seconds) / toFloat64(billed_gpu_seconds) AS utilisation,
    if(attributed_gpu_seconds > 0, toFloat64(billed_gpu_seconds) / toFloat64(attributed_gpu_seconds), NULL) AS fully_loaded_factor,
    multiIf(
        unknown_energy_gpu_seconds = billed_gpu_seconds, '',
        energy_measured_share > 0.999, 'measured',
        energy_measured_share > 0, 'measured in part',
        'power limit'
    ) AS energy_source,
    sum(e.energy_kwh_low) AS energy_kwh_low,
    sum(e.energy_kwh_high) AS energy_kwh_high,
    sum(toFloat64(w.billed_gpu_seconds) * e.measured_share) / toFloat64(billed_gpu_seconds) AS energy_measured_share,
    sumIf(w.billed_gpu_seconds, e.energy_kwh_low IS NULL) AS unknown_energy_gpu_seconds,
    sum(e.energy_kwh_low * e.grid_low_g_per_kwh) / 1000 AS co2e_kg_low,
    sum(e.energy_kwh_high * e.grid_high_g_per_kwh) / 1000 AS co2e_kg_high,
    sumIf(w.billed_gpu_seconds, e.energy_kwh_low * e.grid_low_g_per_kwh IS NULL) AS unknown_co2e_gpu_seconds,
    anyIf(e.grid_source, e.grid_source != '') AS grid_source,
    sumIf(w.billed_gpu_seconds, w.billed_usd IS NULL) AS unpriced_gpu_seconds,
    sum(w.flops) AS flops_total,
    sum(w.attributed_gpu_seconds - w.work_gpu_seconds) AS unknown_work_gpu_seconds,
    anyIf(w.peak_format, w.peak_format != '') AS peak_format,
    sumIf(toFloat64(w.work_gpu_seconds) * w.peak_flops, w.peak_flops > 0) AS peak_flops_of_work,
    sumIf(toFloat64(w.work_gpu_seconds) * w.bandwidth, w.read_bytes_low IS NOT NULL AND w.bandwidth > 0) AS peak_bytes_of_work,
    sumIf(toFloat64(w.flops_low), w.peak_flops > 0) / nullIf(peak_flops_of_work, 0) AS mfu_low,
    sumIf(toFloat64(w.flops_high), w.peak_flops > 0) / nullIf(peak_flops_of_work, 0) AS mfu_high,
    sumIf(toFloat64(w.read_bytes_low), w.bandwidth > 0) / nullIf(peak_bytes_of_work, 0) AS mbu_low,
    sumIf(toFloat64(w.read_bytes_high), w.bandwidth > 0) / nullIf(peak_bytes_of_work, 0) AS mbu_high
FROM gpu_windows AS w FINAL
LEFT JOIN gpu_window_energy AS e ON e.pool = w.pool AND e.window_start = w.window_start
GROUP BY
    workspace,
    pool,
    day
