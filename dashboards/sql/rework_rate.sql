-- rework_rate: how much of the work was wasted, by day, agent, model and prompt; the multiplier is what was paid for a dollar of work used; of known costs, which are lower bounds while attempts of unknown cost are above 0, and with unknown rework more may be wasted; at most 1000 rows, dearest first.
SELECT
    day, agent_name, agent_version, model, prompt_name, prompt_version, attempts, rework_attempts, cost_usd, unknown_cost_attempts,
    rework_cost_usd, unknown_rework_attempts, rework_ratio, rework_cost_ratio, rework_multiplier
FROM rework_rate
WHERE workspace = decodeURLComponent('${workspace:percentencode}')
    AND $__dateFilter(day)
    AND $__conditionalAll(hex(agent_name) IN (${agent:sqlstring}), $agent)
    AND $__conditionalAll(hex(agent_version) IN (${version:sqlstring}), $version)
ORDER BY rework_cost_usd DESC
LIMIT 1000
