-- frontier: what each way to serve an agent costs beside the latency that it buys, over a period: the view latency_frontier, and what
--   intervals take.
-- parameters: workspace; agent_name (empty = any); since, until (start of the run, until exclusive).
-- grain: one row an agent, model and number of GPUs in parallel, fastest first. units: USD; nanoseconds (_ns).
-- columns: agent_name, model, gpu_count, runs, successful_runs, costed_runs, costed_successes, p50_duration_ns, p95_duration_ns,
--   cost_per_run_usd, cost_per_success_usd, value_per_run_usd, margin_per_run_usd (of the runs themselves), inclusive_costed_runs, inclusive_told_runs
--   (costed, and their value has rates: of these value and margin), inclusive_costed_successes, inclusive_cost_per_run_usd, inclusive_cost_per_success_usd, inclusive_value_per_run_usd,
--   inclusive_margin_per_run_usd (with all runs below), is_efficient, usd_per_second, fewer_gpus (of the same model, 0 = none),
--   speedup_over_fewer, usd_over_fewer (these by inclusive costs), cost_variance, cost_skewness, success_variance, cost_success_covariance (of the
--   costed runs), inclusive_cost_variance, inclusive_cost_skewness, inclusive_success_variance, inclusive_cost_success_covariance,
--   inclusive_margin_variance, inclusive_margin_skewness, duration_grid_ns (at most 1001 of the sorted durations).
WITH
    -- What belongs to a run begins after it does, but for clocks of other machines: what is older is not read.
    asked_runs AS
    (
        SELECT *
        FROM run_economics
        WHERE workspace = {workspace:String}
            AND agent_name != ''
            AND ({agent_name:String} = '' OR agent_name = {agent_name:String})
            AND started_at >= {since:DateTime64(9)}
            AND started_at < {until:DateTime64(9)}
    ),
    asked_attempts AS
    (
        SELECT *, model_key
        FROM attempts FINAL
        WHERE workspace = {workspace:String}
            AND ({agent_name:String} = '' OR agent_name = {agent_name:String})
            AND started_at >= {since:DateTime64(9)} - INTERVAL 1 DAY
    ),
    asked_spans AS
    (
        SELECT workspace, trace_id, span_id, gpu_count
        FROM spans
        WHERE workspace = {workspace:String} AND gpu_count > 0 AND started_at >= {since:DateTime64(9)} - INTERVAL 1 DAY
    ),
    asked_shares AS
    (
        SELECT *
        FROM gpu_shares FINAL
        WHERE workspace = {workspace:String} AND window_start >= {since:DateTime64(9)} - INTERVAL 1 DAY
    ),
    @include arithmetic/run_options,
    @include arithmetic/frontier
SELECT
    agent_name,
    model,
    gpu_count,
    runs,
    successful_runs,
    costed_runs,
    costed_successes,
    p50_duration_ns,
    p95_duration_ns,
    cost_per_run_usd,
    cost_per_success_usd,
    value_per_run_usd,
    margin_per_run_usd,
    inclusive_costed_runs,
    inclusive_told_runs,
    inclusive_costed_successes,
    inclusive_cost_per_run_usd,
    inclusive_cost_per_success_usd,
    inclusive_value_per_run_usd,
    inclusive_margin_per_run_usd,
    is_efficient,
    usd_per_second,
    if(usd_over_fewer IS NULL AND speedup_over_fewer IS NULL, 0, ifNull(fewer_gpus, 0)) AS fewer_gpus,
    speedup_over_fewer,
    usd_over_fewer,
    cost_variance,
    cost_skewness,
    success_variance,
    cost_success_covariance,
    inclusive_cost_variance,
    inclusive_cost_skewness,
    inclusive_success_variance,
    inclusive_cost_success_covariance,
    inclusive_margin_variance,
    inclusive_margin_skewness,
    duration_grid_ns
FROM frontier
ORDER BY
    agent_name,
    p50_duration_ns,
    inclusive_cost_per_success_usd NULLS LAST,
    model,
    gpu_count;
