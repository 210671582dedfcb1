-- agent_unit_economics: what a run of an agent costs, by day; runs outside any agent are the rows with agent_name = ''.
-- grain: (workspace, day of the start, agent_name, agent_version, tenant). units: USD, 12 decimals; nanoseconds (_ns); tokens.
-- columns:
--   runs, successful_runs, failed_runs     a run fails when its own span ends in an error
--   cost_usd                 own cost of the runs (sub-agents are rows of their own); sums to the ledger
--   inclusive_cost_usd       with sub-agents: what calling this agent costs; do not sum over agents
--   cost_per_run_usd, cost_per_success_usd   cost_usd / runs, / successful runs (NULL when there is none)
--   rework_cost_usd, estimated_cost_usd      parts of cost_usd
--   known_cost_ratio         attempts with known cost / attempts; below 1 the cost is a lower bound
--   p50_duration_ns, p95_duration_ns, p50_ttft_ns   exact quantiles; ttft only of runs that streamed
CREATE OR REPLACE VIEW agent_unit_economics AS
SELECT
    workspace,
    day,
    agent_name,
    agent_version,
    tenant,
    runs,
    successful_runs,
    runs - successful_runs AS failed_runs,
    calls,
    attempts,
    failed_attempts,
    retries,
    tool_calls,
    input_tokens,
    output_tokens,
    cost_usd,
    inclusive_cost_usd,
    CAST(roundBankers(toDecimal256(cost_usd, 24) / runs, 12) AS Nullable(Decimal(38, 12))) AS cost_per_run_usd,
    CAST(roundBankers(toDecimal256(cost_usd, 24) / nullIf(successful_runs, 0), 12) AS Nullable(Decimal(38, 12))) AS cost_per_success_usd,
    rework_cost_usd,
    estimated_cost_usd,
    unpriced_attempts,
    if(attempts = 0, 1., 1. - unpriced_attempts / attempts) AS known_cost_ratio,
    p50_duration_ns,
    p95_duration_ns,
    p50_ttft_ns
FROM
(
    SELECT
        r.workspace AS workspace,
        toDate(r.started_at) AS day,
        r.agent_name AS agent_name,
        r.agent_version AS agent_version,
        r.tenant AS tenant,
        count() AS runs,
        countIf(r.status != 'error') AS successful_runs,
        sum(r.calls) AS calls,
        sum(r.attempts) AS attempts,
        sum(r.failed_attempts) AS failed_attempts,
        sum(r.retries) AS retries,
        sum(r.tool_calls) AS tool_calls,
        sum(r.input_uncached_tokens + r.cache_read_tokens + r.cache_write_5m_tokens + r.cache_write_1h_tokens) AS input_tokens,
        sum(r.output_tokens) AS output_tokens,
        sum(r.cost_usd) AS cost_usd,
        sum(r.inclusive_cost_usd) AS inclusive_cost_usd,
        sum(r.rework_cost_usd) AS rework_cost_usd,
        sum(r.estimated_cost_usd) AS estimated_cost_usd,
        sum(r.unpriced_attempts) AS unpriced_attempts,
        quantileExact(0.5)(r.duration_ns) AS p50_duration_ns,
        quantileExact(0.95)(r.duration_ns) AS p95_duration_ns,
        quantileExactIf(0.5)(r.ttft_ns, r.ttft_ns > 0) AS p50_ttft_ns
    FROM runs AS r FINAL
    GROUP BY
        r.workspace,
        toDate(r.started_at),
        r.agent_name,
        r.agent_version,
        r.tenant
);
