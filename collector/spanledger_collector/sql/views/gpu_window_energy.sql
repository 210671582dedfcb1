-- gpu_window_energy: the energy of each window of GPUs of one's own, measured where the GPUs told it, else bounded by their power limits.
-- grain: (workspace, pool, window_start). units: kWh and kg CO2e of the data centre: what the boards drew times its PUE; NULL = not known.
-- Bounds of what is not measured: a tenth of the power limit, which a board draws idle, to all of it under load and a third of it idle.
-- PUE: as told in the file of pools, else 1.09 to 1.56. What making the hardware emitted is in none of it.
-- Of a call: while it is served a board draws at least what it draws in the mean of the window (as if idle boards drew as much), and at
-- most what is left if idle ones drew nothing, but no more than its power limit.
-- columns:
--   workspace              who reads the bill of the pool (gpu_pools)
--   billed_gpu_seconds     GPU time of the window
--   measured_share         of that time: how much of it readings of the GPUs say what was drawn
--   energy_kwh_low         of all of it: calls, loading and idle time
--   energy_kwh_high        high end of that
--   call_kwh_low           for each GPU-second of a call; NULL also without a call
--   call_kwh_high          high end of that
--   grid_low_g_per_kwh     CO2 equivalents of the electricity; NULL = not told
--   grid_high_g_per_kwh    high end of that
--   grid_source            who says so
CREATE OR REPLACE VIEW gpu_window_energy AS
SELECT
    workspace,
    pool,
    window_start,
    billed_gpu_seconds,
    1 - missing AS measured_share,
    if(unknown, NULL, (drawn * (1 - missing) * billed + missing * watts * 0.1 * billed) * pue_least / 3.6e6) AS energy_kwh_low,
    if(unknown, NULL, (drawn * (1 - missing) * billed + missing * watts * (busy + idle * 0.3)) * pue_most / 3.6e6) AS energy_kwh_high,
    if(unknown OR working = 0, NULL, (drawn * (1 - missing) + missing * watts * 0.1) * pue_least / 3.6e6) AS call_kwh_low,
    if(unknown OR working = 0, NULL, (drawn_at_most * (1 - missing) + missing * watts) * pue_most / 3.6e6) AS call_kwh_high,
    grid_low_g_per_kwh,
    grid_high_g_per_kwh,
    grid_source
FROM
(
    SELECT
        if(o.workspace = '', 'default', o.workspace) AS workspace,
        w.pool AS pool,
        w.window_start AS window_start,
        w.billed_gpu_seconds AS billed_gpu_seconds,
        w.watts AS watts,
        toFloat64(w.billed_gpu_seconds) AS billed,
        toFloat64(w.attributed_gpu_seconds) AS busy,
        toFloat64(w.load_gpu_seconds + w.idle_gpu_seconds) AS idle,
        toFloat64(w.attributed_gpu_seconds + w.load_gpu_seconds) AS working,
        toFloat64(e.measured_gpu_seconds) AS measured,
        greatest(0, 1 - measured / billed) AS missing,
        if(measured > 0, e.measured_joules / measured, 0) AS drawn,
        if(watts > 0, greatest(drawn, least(drawn * billed / working, watts)), drawn * billed / working) AS drawn_at_most,
        watts = 0 AND missing > 0 AS unknown,
        if(e.pue_low > 0, e.pue_low, 1.09) AS pue_least,
        if(e.pue_high > 0, e.pue_high, 1.56) AS pue_most,
        e.grid_low_g_per_kwh AS grid_low_g_per_kwh,
        e.grid_high_g_per_kwh AS grid_high_g_per_kwh,
        e.grid_source AS grid_source
    FROM gpu_windows AS w FINAL
    LEFT JOIN
    (
        SELECT *
        FROM gpu_energy FINAL
    ) AS e ON e.pool = w.pool AND e.window_start = w.window_start AND e.window_end = w.window_end
    LEFT JOIN
    (
        SELECT pool, workspace
        FROM gpu_pools FINAL
    ) AS o ON o.pool = w.pool
)
