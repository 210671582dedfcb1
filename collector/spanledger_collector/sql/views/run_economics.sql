-- run_economics: every run with what it cost, what was wasted, how long it took and how much of it is known.
-- grain: one row a run (workspace, trace_id, run_id). units: USD, 12 decimals; nanoseconds (_ns); tokens. NULL money = unknown.
-- columns: those of the table runs, and
--   succeeded            1 = the run ended without an error
--   input_tokens         all input of the run itself: uncached, cache reads and cache writes
--   known_cost_ratio     counted attempts whose cost is known / counted attempts; 1 when there was none to know
-- cost_usd is the run's own; inclusive_cost_usd adds its sub-agents: sum cost_usd over runs, never inclusive_cost_usd.
CREATE OR REPLACE VIEW run_economics AS
SELECT
    workspace,
    tenant,
    trace_id,
    run_id,
    parent_run_id,
    kind,
    agent_name,
    agent_id,
    agent_version,
    workflow_name,
    conversation_id,
    service_name,
    tags,
    started_at,
    ended_at,
    duration_ns,
    ttft_ns,
    status,
    error_type,
    toUInt8(status != 'error') AS succeeded,
    span_count,
    calls,
    attempts,
    failed_attempts,
    retries,
    tool_calls,
    input_uncached_tokens + cache_read_tokens + cache_write_5m_tokens + cache_write_1h_tokens AS input_tokens,
    input_uncached_tokens,
    cache_read_tokens,
    cache_write_5m_tokens,
    cache_write_1h_tokens,
    output_tokens,
    reasoning_tokens,
    cost_usd,
    inclusive_cost_usd,
    rework_cost_usd,
    estimated_cost_usd,
    cost_low_usd,
    cost_high_usd,
    unpriced_attempts,
    if(attempts = 0, 1., 1. - unpriced_attempts / attempts) AS known_cost_ratio,
    flops_total,
    vram_peak_bytes,
    gpu_seconds
FROM runs FINAL;
