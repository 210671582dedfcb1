-- trace_cost: what one trace cost. By workspace and trace_id it is a primary-key read of runs.
-- grain: one row a trace (workspace, trace_id). units: USD, 12 decimals; nanoseconds (_ns); tokens. NULL money = nothing known.
-- columns:
--   tenant                of the top run
--   name                  of the top run: its agent, else its workflow, else its service
--   status                error when a top run (is_top: one without a parent in the trace) failed
--   runs                  runs of any kind
--   agents                different agents
--   cost_usd              sum of the runs' own costs = sum of the counted attempts
--   rework_cost_usd       part of cost_usd that was wasted, never added to it
--   estimated_cost_usd    part of cost_usd whose usage is estimated
--   unpriced_attempts     counted attempts whose cost is unknown or partly unknown: cost_usd is a lower bound when > 0
CREATE OR REPLACE VIEW trace_cost AS
SELECT
    r.workspace AS workspace,
    r.trace_id AS trace_id,
    argMin(r.tenant, (NOT r.is_top, r.started_at, r.run_id)) AS tenant,
    argMin(
        multiIf(r.agent_name != '', r.agent_name, r.workflow_name != '', r.workflow_name, toString(r.service_name)),
        (NOT r.is_top, r.started_at, r.run_id)
    ) AS name,
    if(countIf(r.status = 'error' AND r.is_top) > 0, 'error', 'ok') AS status,
    min(r.started_at) AS started_at,
    max(r.ended_at) AS ended_at,
    toUInt64(greatest(toUnixTimestamp64Nano(max(r.ended_at)) - toUnixTimestamp64Nano(min(r.started_at)), 0)) AS duration_ns,
    count() AS runs,
    uniqExactIf(r.agent_name, r.agent_name != '') AS agents,
    sum(r.span_count) AS span_count,
    sum(r.calls) AS calls,
    sum(r.attempts) AS attempts,
    sum(r.failed_attempts) AS failed_attempts,
    sum(r.retries) AS retries,
    sum(r.tool_calls) AS tool_calls,
    sum(r.input_uncached_tokens) AS input_uncached_tokens,
    sum(r.cache_read_tokens) AS cache_read_tokens,
    sum(r.cache_write_5m_tokens) AS cache_write_5m_tokens,
    sum(r.cache_write_1h_tokens) AS cache_write_1h_tokens,
    sum(r.output_tokens) AS output_tokens,
    sum(r.reasoning_tokens) AS reasoning_tokens,
    sum(r.cost_usd) AS cost_usd,
    sum(r.rework_cost_usd) AS rework_cost_usd,
    sum(r.estimated_cost_usd) AS estimated_cost_usd,
    sum(r.cost_low_usd) AS cost_low_usd,
    sum(r.cost_high_usd) AS cost_high_usd,
    sum(r.unpriced_attempts) AS unpriced_attempts,
    sum(r.unknown_rework_attempts) AS unknown_rework_attempts,
    sum(r.flops_total) AS flops_total,
    max(r.vram_peak_bytes) AS vram_peak_bytes,
    sum(r.gpu_seconds) AS gpu_seconds
FROM runs AS r FINAL
GROUP BY
    r.workspace,
    r.trace_id;
