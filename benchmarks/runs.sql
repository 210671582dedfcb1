-- runs: the runs of made-up attempts (attempts.sql), for benchmarks.
-- grain: one row a run, into runs. units: USD, tokens, nanoseconds.
INSERT INTO runs
    (workspace, tenant, trace_id, run_id, kind, agent_name, agent_version, service_name, started_at, ended_at, duration_ns,
    ttft_ns, status, span_count, calls, attempts, failed_attempts, input_uncached_tokens, cache_read_tokens,
    cache_write_5m_tokens, output_tokens, reasoning_tokens, cost_usd, rework_cost_usd, estimated_cost_usd,
    cost_low_usd, cost_high_usd, inclusive_attempts, inclusive_cost_usd, inclusive_rework_cost_usd, inclusive_estimated_cost_usd,
    amortized_cost_usd, inclusive_amortized_cost_usd, posted_at, version)
SELECT
    workspace,
    tenant,
    trace_id,
    run_id,
    'agent',
    agent_name,
    agent_version,
    service_name,
    min(a.started_at),
    max(a.ended_at),
    toUInt64(toUnixTimestamp64Nano(max(a.ended_at)) - toUnixTimestamp64Nano(min(a.started_at))),
    cityHash64(trace_id) % 2000000000,
    if(countIf(a.outcome = 'error') > 1, 'error', 'ok'),
    count() + 1,
    countIf(a.counted),
    countIf(a.counted),
    countIf(a.outcome = 'error' AND a.counted),
    sumIf(a.input_uncached_tokens, a.counted),
    sumIf(a.cache_read_tokens, a.counted),
    sumIf(a.cache_write_5m_tokens, a.counted),
    sumIf(a.output_tokens, a.counted),
    sumIf(a.reasoning_tokens, a.counted),
    sumIf(a.cost_usd, a.counted) AS cost,
    sumIf(a.cost_usd, a.counted AND a.rework_reason != '') AS rework,
    sumIf(a.cost_usd, a.counted AND a.usage_source = 'estimated') AS estimated,
    cost,
    cost,
    countIf(a.counted),
    cost,
    rework,
    estimated,
    if(agent_name = 'agent-3', toDecimal128('0.06', 12), NULL) AS amortized,
    amortized,
    min(a.received_at),
    1
FROM attempts AS a
WHERE workspace = 'default'
GROUP BY
    workspace,
    tenant,
    trace_id,
    run_id,
    agent_name,
    agent_version,
    service_name
