-- agent_energy: the energy of the model calls of each agent, and what it emitted, by UTC day, version and tenant.
-- grain: (workspace, day, agent_name, agent_version, tenant), runs with model calls. units: as run_energy, of which it is the sum; NULL = not known.
-- columns:
--   day                    UTC day of the begin of a run's first call
--   calls                  counted model calls, attempts that were retried left out
--   unknown_energy_calls   of these: their energy is not known (hosted models); the sums are of the others
--   unknown_co2e_calls     of the calls: what they emitted is not known
--   gpu_seconds            of calls whose energy is known
--   energy_kwh_low         of the calls whose energy is known; NULL = of none
--   energy_kwh_high        high end of that
--   co2e_kg_low            of the calls whose energy and grid are known; NULL = of none
--   co2e_kg_high           high end of that
CREATE OR REPLACE VIEW agent_energy AS
SELECT
    workspace,
    toDate(r.started_at, 'UTC') AS day,
    agent_name,
    agent_version,
    tenant,
    count() AS runs,
    sum(r.calls) AS calls,
    sum(r.unknown_energy_calls) AS unknown_energy_calls,
    sum(r.unknown_co2e_calls) AS unknown_co2e_calls,
    sum(r.gpu_seconds) AS gpu_seconds,
    sum(r.energy_kwh_low) AS energy_kwh_low,
    sum(r.energy_kwh_high) AS energy_kwh_high,
    sum(r.co2e_kg_low) AS co2e_kg_low,
    sum(r.co2e_kg_high) AS co2e_kg_high
FROM run_energy AS r
GROUP BY
    workspace,
    day,
    agent_name,
    agent_version,
    tenant
