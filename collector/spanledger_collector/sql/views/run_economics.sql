-- run_economics: every run with what it cost, what was wasted, how long it took and how much of it is known.
-- grain: one row a run (workspace, trace_id, run_id). units: USD, 12 decimals; nanoseconds (_ns); tokens. NULL money = unknown.
-- columns: those of the table runs, and
--   succeeded            1 = its recorded outcome is success; where none was recorded, it ended without an error
--   input_tokens         all input of the run itself: uncached, cache reads and cache writes
--   total_cost_usd       cost_usd (model calls, tools, people, expenses; rework inside) + amortized_cost_usd
--   value_usd            revenue + value of outcomes, as recorded; NULL = nobody said
--   margin_usd           value_usd - total_cost_usd; NULL where either is unknown. With unpriced_attempts it is an upper bound
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
    external_key,
    tags,
    started_at,
    ended_at,
    duration_ns,
    ttft_ns,
    status,
    error_type,
    toUInt8(if(outcome = '', status != 'error', outcome = 'success')) AS succeeded,
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
    gpu_seconds,
    outcome,
    revenue_usd,
    outcome_value_usd,
    judged_wrong,
    records,
    unconverted_records,
    amortized_cost_usd,
    tool_cost_usd,
    effort_cost_usd,
    expense_cost_usd,
    appraisal_cost_usd,
    prevention_cost_usd,
    if(
        cost_usd IS NULL,
        NULL,
        CAST(cost_usd + ifNull(amortized_cost_usd, 0) AS Nullable(Decimal(38, 12)))
    ) AS total_cost_usd,
    if(
        revenue_usd IS NULL AND outcome_value_usd IS NULL,
        NULL,
        CAST(ifNull(revenue_usd, 0) + ifNull(outcome_value_usd, 0) AS Nullable(Decimal(38, 12)))
    ) AS value_usd,
    CAST(value_usd - total_cost_usd AS Nullable(Decimal(38, 12))) AS margin_usd,
    posted_at
FROM runs FINAL;
