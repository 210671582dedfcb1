-- latency_frontier: what each way to serve an agent costs beside the latency that it buys, over all runs of all its versions: efficient = 1 is not beaten, none = unknown: no run of it succeeded, it, or one as fast, has runs of unknown cost, or estimates could turn it.
SELECT
    agent_name, model, gpu_count, runs, inclusive_costed_runs, successful_runs, p50_duration_ns, p95_duration_ns, inclusive_cost_per_run_usd,
    inclusive_cost_per_success_usd, inclusive_margin_per_run_usd, is_efficient, usd_per_second
FROM latency_frontier
WHERE workspace = decodeURLComponent('${workspace:percentencode}')
    AND $__conditionalAll(hex(agent_name) IN (${agent:sqlstring}), $agent)
ORDER BY agent_name, p50_duration_ns
