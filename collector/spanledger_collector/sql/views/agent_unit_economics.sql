-- agent_unit_economics: what a run of an agent costs, by day; runs outside any agent are the rows with agent_name = ''.
-- grain: (workspace, day of the start, agent_name, agent_version, tenant). units: USD, 12 decimals; nanoseconds (_ns); tokens.
-- Own and inclusive: what has no prefix is of the agent's own runs and sums to the ledger; inclusive_* is the same figure of its runs and
-- of all runs below them. A sub-agent's cost is in its own row and in those of all its callers, so inclusive figures are not summed over agents.
-- columns:
--   runs                     runs that started that day
--   successful_runs, failed_runs   by the recorded outcome; where none was recorded, a run fails when its span ends in an error; outside
--                            any agent only what was recorded is a success, and what else ended well is neither
--   top_successful_runs, top_failed_runs   of them those that were asked for, runs of agents that no agent called: what the success rate of a
--                            day, a tenant or everybody is of (a sub-agent's success is no further success of who asked)
--   judged_runs              runs with a recorded outcome
--   wrong_runs               runs that an evaluation calls wrong or hallucinated
--   cost_usd                 own cost of the runs (sub-agents are rows of their own); sums to the ledger
--   cost_per_run_usd         total cost, shares of assets included / runs
--   cost_per_success_usd     total cost / successful runs; NULL when there is none
--   rework_cost_usd          part of cost_usd that was wasted
--   unknown_rework_attempts  wasted attempts whose cost is unknown or partly unknown: rework_cost_usd is a lower bound when above 0
--   estimated_cost_usd       part of cost_usd whose usage is estimated
--   tool_cost_usd            part of cost_usd: tools that are paid by the call
--   effort_cost_usd          part of cost_usd: minutes of people
--   expense_cost_usd         part of cost_usd: recorded expenses
--   appraisal_cost_usd       part of cost_usd: judging answers
--   prevention_cost_usd      part of cost_usd: guarding against bad answers
--   amortized_cost_usd       shares of assets that the runs carry
--   total_cost_usd           cost_usd + amortized_cost_usd
--   value_usd                recorded revenue and value of outcomes, else by the value rules; NULL = nobody said, or an amount has no rate
--   valued_runs              runs with a value
--   margin_usd               value_usd - total_cost_usd; NULL = value_usd is
--   margin_per_run_usd       margin_usd / runs
--   known_cost_ratio         attempts with known cost / attempts; below 1 the cost is a lower bound
--   inclusive_cost_usd       variable cost of its runs and of all runs below them (sub-agents); do not sum over agents
--   inclusive_rework_cost_usd   part of inclusive_cost_usd that was wasted
--   inclusive_amortized_cost_usd   shares of assets that they all carry
--   inclusive_total_cost_usd   variable and amortized cost of all of them: what calling this agent costs; do not sum over agents
--   inclusive_cost_per_run_usd   inclusive total cost / runs
--   inclusive_cost_per_success_usd   inclusive total cost / successful runs; NULL when there is none
--   inclusive_value_usd      value_usd and what was recorded of the runs below, as in run_economics; do not sum over agents
--   inclusive_margin_usd     inclusive_value_usd - inclusive_total_cost_usd; do not sum over agents
--   inclusive_margin_per_run_usd   inclusive_margin_usd / runs
--   inclusive_unpriced_attempts   attempts of unknown cost in its runs and those below: inclusive costs are lower bounds when above 0
--   inclusive_known_cost_ratio   known_cost_ratio over the attempts of all of them
--   p50_duration_ns, p95_duration_ns   exact quantiles of the latency of the runs
--   p50_ttft_ns              the same of the time to first token, of runs that streamed
CREATE OR REPLACE VIEW agent_unit_economics AS
SELECT
    workspace,
    day,
    agent_name,
    agent_version,
    tenant,
    runs,
    successful_runs,
    failed_runs,
    top_successful_runs,
    top_failed_runs,
    calls,
    attempts,
    failed_attempts,
    retries,
    tool_calls,
    input_tokens,
    output_tokens,
    cost_usd,
    CAST(roundBankers(toDecimal256(total_cost_usd, 24) / runs, 12) AS Nullable(Decimal(38, 12))) AS cost_per_run_usd,
    CAST(roundBankers(toDecimal256(total_cost_usd, 24) / nullIf(successful_runs, 0), 12) AS Nullable(Decimal(38, 12))) AS cost_per_success_usd,
    rework_cost_usd,
    estimated_cost_usd,
    tool_cost_usd,
    effort_cost_usd,
    expense_cost_usd,
    appraisal_cost_usd,
    prevention_cost_usd,
    amortized_cost_usd,
    CAST(
        if(cost_usd IS NULL AND amortized_cost_usd IS NULL, NULL, ifNull(cost_usd, 0) + ifNull(amortized_cost_usd, 0))
        AS Nullable(Decimal(38, 12))
    ) AS total_cost_usd,
    revenue_usd,
    outcome_value_usd,
    value_usd,
    valued_runs,
    CAST(value_usd - total_cost_usd AS Nullable(Decimal(38, 12))) AS margin_usd,
    CAST(roundBankers(toDecimal256(margin_usd, 24) / runs, 12) AS Nullable(Decimal(38, 12))) AS margin_per_run_usd,
    inclusive_cost_usd,
    inclusive_rework_cost_usd,
    inclusive_amortized_cost_usd,
    CAST(
        if(
            inclusive_cost_usd IS NULL AND inclusive_amortized_cost_usd IS NULL,
            NULL,
            ifNull(inclusive_cost_usd, 0) + ifNull(inclusive_amortized_cost_usd, 0)
        ) AS Nullable(Decimal(38, 12))
    ) AS inclusive_total_cost_usd,
    CAST(roundBankers(toDecimal256(inclusive_total_cost_usd, 24) / runs, 12) AS Nullable(Decimal(38, 12))) AS inclusive_cost_per_run_usd,
    CAST(
        roundBankers(toDecimal256(inclusive_total_cost_usd, 24) / nullIf(successful_runs, 0), 12) AS Nullable(Decimal(38, 12))
    ) AS inclusive_cost_per_success_usd,
    inclusive_value_usd,
    CAST(inclusive_value_usd - inclusive_total_cost_usd AS Nullable(Decimal(38, 12))) AS inclusive_margin_usd,
    CAST(roundBankers(toDecimal256(inclusive_margin_usd, 24) / runs, 12) AS Nullable(Decimal(38, 12))) AS inclusive_margin_per_run_usd,
    inclusive_unpriced_attempts,
    if(inclusive_attempts = 0, 1., 1. - inclusive_unpriced_attempts / inclusive_attempts) AS inclusive_known_cost_ratio,
    judged_runs,
    wrong_runs,
    unconverted_records,
    unpriced_attempts,
    unknown_rework_attempts,
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
        countIf(
            @include arithmetic/won
        ) AS successful_runs,
        countIf(NOT r.succeeded) AS failed_runs,
        @include arithmetic/results_asked_for,
        countIf(r.outcome != '') AS judged_runs,
        countIf(r.judged_wrong) AS wrong_runs,
        sum(r.calls) AS calls,
        sum(r.attempts) AS attempts,
        sum(r.failed_attempts) AS failed_attempts,
        sum(r.retries) AS retries,
        sum(r.tool_calls) AS tool_calls,
        sum(r.input_uncached_tokens + r.cache_read_tokens + r.cache_write_5m_tokens + r.cache_write_1h_tokens) AS input_tokens,
        sum(r.output_tokens) AS output_tokens,
        sum(r.cost_usd) AS cost_usd,
        sum(r.rework_cost_usd) AS rework_cost_usd,
        sum(r.estimated_cost_usd) AS estimated_cost_usd,
        sum(r.tool_cost_usd) AS tool_cost_usd,
        sum(r.effort_cost_usd) AS effort_cost_usd,
        sum(r.expense_cost_usd) AS expense_cost_usd,
        sum(r.appraisal_cost_usd) AS appraisal_cost_usd,
        sum(r.prevention_cost_usd) AS prevention_cost_usd,
        sum(r.amortized_cost_usd) AS amortized_cost_usd,
        sum(r.revenue_usd) AS revenue_usd,
        sum(r.outcome_value_usd) AS outcome_value_usd,
        if(sum(r.unconverted_records) > 0, NULL, sum(r.value_usd)) AS value_usd,
        countIf(r.value_usd IS NOT NULL) AS valued_runs,
        sum(r.inclusive_attempts) AS inclusive_attempts,
        sum(r.inclusive_unpriced_attempts) AS inclusive_unpriced_attempts,
        sum(r.inclusive_cost_usd) AS inclusive_cost_usd,
        sum(r.inclusive_rework_cost_usd) AS inclusive_rework_cost_usd,
        sum(r.inclusive_amortized_cost_usd) AS inclusive_amortized_cost_usd,
        if(sum(r.inclusive_unconverted_records) > 0, NULL, sum(r.inclusive_value_usd)) AS inclusive_value_usd,
        sum(r.unconverted_records) AS unconverted_records,
        sum(r.unpriced_attempts) AS unpriced_attempts,
        sum(r.unknown_rework_attempts) AS unknown_rework_attempts,
        quantileExact(0.5)(r.duration_ns) AS p50_duration_ns,
        quantileExact(0.95)(r.duration_ns) AS p95_duration_ns,
        quantileExactIf(0.5)(r.ttft_ns, r.ttft_ns > 0) AS p50_ttft_ns
    FROM run_economics AS r
    GROUP BY
        r.workspace,
        toDate(r.started_at),
        r.agent_name,
        r.agent_version,
        r.tenant
);
