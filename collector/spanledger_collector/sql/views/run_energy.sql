-- run_energy: the energy of the model calls of each run, and what it emitted, by their share of the time of GPUs of one's own.
-- grain: (workspace, trace_id, run_id), runs with model calls. units: kWh and kg CO2e of the data centre (gpu_window_energy); NULL = not known.
-- Nobody tells what a call to a hosted model draws: its energy is not known, and never 0. So is that of a call which measures its own
-- GPU time without a pool.
-- columns:
--   started_at             begin of the first of its calls
--   calls                  counted model calls, attempts that were retried left out
--   unknown_energy_calls   of these: their energy is not known; the sums are of the others
--   unknown_co2e_calls     of the calls: what they emitted is not known
--   gpu_seconds            of calls whose energy is known
--   energy_kwh_low         of the calls whose energy is known; NULL = of none
--   energy_kwh_high        high end of that
--   co2e_kg_low            of the calls whose energy and grid are known; NULL = of none
--   co2e_kg_high           high end of that
CREATE OR REPLACE VIEW run_energy AS
SELECT
    a.workspace AS workspace,
    a.trace_id AS trace_id,
    a.run_id AS run_id,
    any(a.tenant) AS tenant,
    any(a.agent_name) AS agent_name,
    any(a.agent_version) AS agent_version,
    min(a.started_at) AS started_at,
    count() AS calls,
    countIf(e.energy_kwh_low IS NULL) AS unknown_energy_calls,
    countIf(e.co2e_kg_low IS NULL) AS unknown_co2e_calls,
    sumIf(e.gpu_seconds, e.energy_kwh_low IS NOT NULL) AS gpu_seconds,
    sum(e.energy_kwh_low) AS energy_kwh_low,
    sum(e.energy_kwh_high) AS energy_kwh_high,
    sum(e.co2e_kg_low) AS co2e_kg_low,
    sum(e.co2e_kg_high) AS co2e_kg_high
FROM
(
    SELECT workspace, trace_id, span_id, run_id, tenant, agent_name, agent_version, started_at
    FROM attempts FINAL
    WHERE counted AND outcome != 'retried' AND operation NOT IN ('execute_tool', 'effort', 'expense', 'load_model')
) AS a
LEFT ANY JOIN
(
    -- A call that lasts over windows is known where each of them is.
    SELECT
        s.workspace AS workspace,
        s.trace_id AS trace_id,
        s.span_id AS span_id,
        toFloat64(sum(s.gpu_seconds)) AS gpu_seconds,
        if(countIf(w.call_kwh_low IS NULL) > 0, NULL, sum(toFloat64(s.gpu_seconds) * w.call_kwh_low)) AS energy_kwh_low,
        if(countIf(w.call_kwh_low IS NULL) > 0, NULL, sum(toFloat64(s.gpu_seconds) * w.call_kwh_high)) AS energy_kwh_high,
        if(countIf(w.call_kwh_low * w.grid_low_g_per_kwh IS NULL) > 0, NULL, sum(toFloat64(s.gpu_seconds) * w.call_kwh_low * w.grid_low_g_per_kwh) / 1000) AS co2e_kg_low,
        if(countIf(w.call_kwh_low * w.grid_low_g_per_kwh IS NULL) > 0, NULL, sum(toFloat64(s.gpu_seconds) * w.call_kwh_high * w.grid_high_g_per_kwh) / 1000) AS co2e_kg_high
    FROM gpu_shares AS s FINAL
    LEFT JOIN gpu_window_energy AS w ON w.pool = s.pool AND w.window_start = s.window_start
    GROUP BY
        workspace,
        trace_id,
        span_id
) AS e ON e.workspace = a.workspace AND e.trace_id = a.trace_id AND e.span_id = a.span_id
GROUP BY
    workspace,
    trace_id,
    run_id
