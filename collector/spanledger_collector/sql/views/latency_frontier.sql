-- latency_frontier: what each way to serve an agent costs beside the latency that it buys, over all its runs.
-- grain: (workspace, agent_name, model, gpu_count), as in run_options. units: USD, 12 decimals; nanoseconds (_ns).
-- columns:
--   runs, successful_runs, costed_runs   all; those that succeeded; those whose cost is known wholly, which costs are of
--   p50_duration_ns, p95_duration_ns     latency of all runs, exact quantiles
--   cost_per_run_usd, cost_per_success_usd   total cost, shares of assets included; NULL = not known, or no success
--   value_per_run_usd, margin_per_run_usd    NULL = no run has a value
--   is_efficient       1 = no other option of the agent is as fast (p50) and cheaper a success, or as cheap and faster
--   usd_per_second     price of a second: what a success costs more than with the next slower efficient option, for a second less
--   speedup_over_fewer, usd_over_fewer   what more GPUs buy: median latency with the next fewer GPUs that the same model was
--                      served by / that of this row, and what a success costs more
CREATE OR REPLACE VIEW latency_frontier AS
WITH
    option_runs AS (SELECT * FROM run_options),
    @include arithmetic/frontier
SELECT
    workspace,
    agent_name,
    model,
    gpu_count,
    runs,
    successful_runs,
    costed_runs,
    p50_duration_ns,
    p95_duration_ns,
    cost_per_run_usd,
    cost_per_success_usd,
    value_per_run_usd,
    margin_per_run_usd,
    is_efficient,
    usd_per_second,
    speedup_over_fewer,
    usd_over_fewer
FROM frontier;
