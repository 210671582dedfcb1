-- unit_economics: cost, value and margin of a run and of a success, by day, agent, version and tenant; inclusive = with sub-agents; a cost is a lower bound while its known ratio is below 1, rework while unknown rework attempts are above 0; at most 1000 rows, dearest first.
SELECT
    day, agent_name, agent_version, tenant, runs, successful_runs, cost_usd, amortized_cost_usd, total_cost_usd, value_usd,
    margin_usd, cost_per_run_usd, cost_per_success_usd, margin_per_run_usd, rework_cost_usd, unknown_rework_attempts, known_cost_ratio,
    inclusive_total_cost_usd, inclusive_margin_usd, inclusive_cost_per_run_usd, inclusive_cost_per_success_usd,
    p50_duration_ns, p95_duration_ns
FROM agent_unit_economics
WHERE workspace = decodeURLComponent('${workspace:percentencode}')
    AND $__dateFilter(day)
    AND $__conditionalAll(hex(agent_name) IN (${agent:sqlstring}), $agent)
    AND $__conditionalAll(hex(agent_version) IN (${version:sqlstring}), $version)
ORDER BY total_cost_usd DESC, day DESC
LIMIT 1000
