-- latency_frontier: what each way to serve an agent costs beside the latency that it buys, over all its runs.
-- grain: (workspace, agent_name, model, gpu_count), as in run_options. units: USD, 12 decimals; nanoseconds (_ns).
-- columns:
--   runs, successful_runs, costed_runs   all; those that succeeded; those whose cost is known wholly, which costs are of
--   p50_duration_ns, p95_duration_ns     latency of all runs, exact quantiles
--   inclusive_costed_runs   those whose cost and that of all runs below is known wholly, which inclusive costs are of
--   cost_per_run_usd, cost_per_success_usd   total cost of the run itself, shares of assets included; NULL = not known, or no success
--   value_per_run_usd, margin_per_run_usd    of the costed runs whose value has rates; NULL = no run has a value
--   inclusive_cost_per_run_usd, inclusive_cost_per_success_usd   the same with all runs below (sub-agents); NULL = not known, or no success
--   inclusive_cost_per_success_low_usd, inclusive_cost_per_success_high_usd   the same by the ends of what is estimated, at worst; with runs of unknown
--                      cost what is known of all runs at least, and NULL
--   inclusive_value_per_run_usd, inclusive_margin_per_run_usd    likewise, with what was recorded of the runs below
--   is_efficient       1 = no other option of the agent is as fast (p50) and cheaper a success, or as cheap and faster (of two that are equal both are 1); inclusive costs. NULL = unknown:
--                      no run of it succeeded, and of none as fast; or it, or one as fast, has runs of unknown cost (fewer inclusive_costed_runs than runs), by the known part of which it may be 0, never 1:
--                      or the ends of what is estimated could turn it (of inclusive_cost_per_success_low_usd and _high_usd)
--   usd_per_second     price of a second: what a success costs more, inclusively, than with the next slower efficient option, for a second less
--                      (NULL = none, or unknown whether that one is efficient)
--   speedup_over_fewer, usd_over_fewer   what more GPUs buy: median latency with the next fewer GPUs that the same model was
--                      served by / that of this row, and what a success costs more, inclusively
CREATE OR REPLACE VIEW latency_frontier AS
WITH
    @include arithmetic/all_options,
    asked_usage AS (SELECT workspace, trace_id, cost_usd, cost_low_usd, cost_high_usd FROM runs FINAL),
    asked_charges AS (SELECT * FROM amortization_charges FINAL),
    @include arithmetic/run_options,
    @include arithmetic/ends_by_trace,
    @include arithmetic/frontier
SELECT
    workspace,
    agent_name,
    model,
    gpu_count,
    runs,
    successful_runs,
    costed_runs,
    inclusive_costed_runs,
    p50_duration_ns,
    p95_duration_ns,
    cost_per_run_usd,
    cost_per_success_usd,
    value_per_run_usd,
    margin_per_run_usd,
    inclusive_cost_per_run_usd,
    inclusive_cost_per_success_usd,
    least_usd AS inclusive_cost_per_success_low_usd,
    most_usd AS inclusive_cost_per_success_high_usd,
    inclusive_value_per_run_usd,
    inclusive_margin_per_run_usd,
    is_efficient,
    usd_per_second,
    speedup_over_fewer,
    usd_over_fewer
FROM frontier;
