-- frontier: what each way to serve an agent costs beside the latency that it buys, over a period: the view latency_frontier, and what
--   intervals take.
-- parameters: workspace; agent_name (empty = any); since, until (start of the run, until exclusive).
-- grain: one row an agent, model and number of GPUs in parallel, fastest first. units: USD; nanoseconds (_ns).
-- columns: agent_name, model, gpu_count, runs, traces (that they are in: where fewer, frontier_traces has the moments), successful_runs, costed_runs, costed_successes, p50_duration_ns, p95_duration_ns,
--   cost_per_run_usd, cost_per_success_usd, value_per_run_usd, margin_per_run_usd (of the runs themselves), inclusive_costed_runs, inclusive_told_runs
--   (costed, and their value has rates: of these value and margin), inclusive_costed_successes, inclusive_cost_per_run_usd, inclusive_cost_per_success_usd, inclusive_value_per_run_usd,
--   inclusive_margin_per_run_usd (with all runs below), inclusive_cost_per_success_low_usd, inclusive_cost_per_success_high_usd (by the ends of what is
--   estimated, at worst; with runs of unknown cost what is known of all runs at least, and NULL), is_efficient, usd_per_second, fewer_gpus (of the same model, 0 = none),
--   speedup_over_fewer, usd_over_fewer (these by inclusive costs), cost_variance, cost_skewness, success_variance, cost_success_covariance (of the
--   costed runs), inclusive_cost_variance, inclusive_cost_skewness, inclusive_success_variance, inclusive_cost_success_covariance,
--   inclusive_margin_variance, inclusive_margin_skewness, inclusive_earning_runs (told ones that succeeded and earned something),
--   inclusive_staked_runs (told ones whose value may hang on how they go), inclusive_margin_earning_covariance, success_gap_usd (by so much a success may be worth more than what was seen, arithmetic/success_gap),
--   duration_grid_ns (at most 1001 of the sorted durations).
WITH
    @include arithmetic/asked_options,
    @include arithmetic/run_options,
    @include arithmetic/trace_ends,
    @include arithmetic/frontier
SELECT
    agent_name,
    model,
    gpu_count,
    runs,
    traces,
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
    least_usd AS inclusive_cost_per_success_low_usd,
    most_usd AS inclusive_cost_per_success_high_usd,
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
    inclusive_earning_runs,
    inclusive_staked_runs,
    inclusive_margin_earning_covariance,
    success_gap_usd,
    duration_grid_ns
FROM frontier
ORDER BY
    agent_name,
    p50_duration_ns,
    inclusive_cost_per_success_usd NULLS LAST,
    model,
    gpu_count;
