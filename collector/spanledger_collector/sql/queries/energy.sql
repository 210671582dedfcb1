-- energy: what the model calls of each agent drew and emitted over a period of whole days, as far as it is known.
-- parameters: workspace; since, until (begin of a run's first call, until exclusive; days are taken whole).
-- grain: (agent_name, agent_version), most energy first. units: kWh and kg CO2e of the data centre, low and high; NULL = not known of any call.
-- columns: agent_name, agent_version, runs, calls, unknown_energy_calls, unknown_co2e_calls, gpu_seconds, energy_kwh_low, energy_kwh_high,
--   co2e_kg_low, co2e_kg_high.
SELECT
    agent_name,
    agent_version,
    sum(e.runs) AS runs,
    sum(e.calls) AS calls,
    sum(e.unknown_energy_calls) AS unknown_energy_calls,
    sum(e.unknown_co2e_calls) AS unknown_co2e_calls,
    sum(e.gpu_seconds) AS gpu_seconds,
    sum(e.energy_kwh_low) AS energy_kwh_low,
    sum(e.energy_kwh_high) AS energy_kwh_high,
    sum(e.co2e_kg_low) AS co2e_kg_low,
    sum(e.co2e_kg_high) AS co2e_kg_high
FROM agent_energy AS e
WHERE workspace = {workspace:String}
    AND day >= toDate({since:DateTime64(9)}, 'UTC')
    AND day <= toDate({until:DateTime64(9)} - INTERVAL 1 NANOSECOND, 'UTC')
GROUP BY
    agent_name,
    agent_version
ORDER BY
    energy_kwh_high DESC NULLS LAST,
    agent_name,
    agent_version
