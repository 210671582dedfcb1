-- runs: the newest runs, at most 200; rework is a lower bound while unknown rework attempts are above 0; the trace leads to the page with its spans, and from there to how each amount came about.
SELECT
    started_at, trace_id, agent_name, agent_version, tenant, status, total_cost_usd, inclusive_total_cost_usd, cost_usd, rework_cost_usd, unknown_rework_attempts,
    amortized_cost_usd, value_usd, margin_usd, inclusive_margin_usd, known_cost_ratio, calls, retries, duration_ns,
    nullIf(ttft_ns, 0) AS ttft_ns
FROM run_economics
WHERE workspace = decodeURLComponent('${workspace:percentencode}')
    AND $__timeFilter(started_at)
    AND $__conditionalAll(hex(agent_name) IN (${agent:sqlstring}), $agent)
    AND $__conditionalAll(hex(agent_version) IN (${version:sqlstring}), $version)
ORDER BY started_at DESC
LIMIT 200
