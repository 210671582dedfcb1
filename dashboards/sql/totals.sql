-- totals: what all runs of the period cost, earned and left; a cost is a lower bound while attempts of unknown cost are above 0, rework while those that were wasted are. Successes and failures are of what was asked for: runs of agents that no agent called.
SELECT
    sum(total_cost_usd) AS total_cost_usd,
    if(sum(unconverted_records) > 0, NULL, sum(value_usd)) AS value_usd,
    value_usd - total_cost_usd AS margin_usd,
    sum(rework_cost_usd) AS rework_cost_usd,
    sum(unknown_rework_attempts) AS unknown_rework_attempts,
    sum(amortized_cost_usd) AS amortized_cost_usd,
    sum(runs) AS runs,
    sum(top_successful_runs) AS successes,
    sum(top_failed_runs) AS failures,
    sum(unpriced_attempts) AS attempts_of_unknown_cost
FROM agent_unit_economics
WHERE workspace = decodeURLComponent('${workspace:percentencode}')
    AND $__dateFilter(day)
    AND $__conditionalAll(hex(agent_name) IN (${agent:sqlstring}), $agent)
    AND $__conditionalAll(hex(agent_version) IN (${version:sqlstring}), $version)
