-- frontier_traces: moments of the runs of frontier where traces have several of them: by traces, as of agent_traces.
-- parameters: workspace; agent_name (empty = any); since, until (start of the run, until exclusive).
-- grain: one row an agent, model and number of GPUs in parallel. units: USD, as floats; of traces apart (arithmetic/trace_apart), n - 1 below
--   the line.
-- columns: agent_name, model, gpu_count, traces, effective_traces (of equal size that would tell as much: Kish), costed_traces (with a run whose cost
--   is known wholly), inclusive_costed_traces, inclusive_told_traces (and its value has rates), cost_variance, cost_skewness, success_variance,
--   success_skewness, inclusive_cost_variance, inclusive_cost_skewness, inclusive_success_variance, inclusive_success_skewness,
--   inclusive_margin_variance, inclusive_margin_skewness, p50_share_variance (of the share of runs that last at most the median of all),
--   p50_share_skewness, p95_share_variance (the 95th percentile), p95_share_skewness, cost_success_covariance,
--   inclusive_cost_success_covariance.
WITH
    @include arithmetic/asked_options,
    @include arithmetic/run_options,
    trace_sums AS
    (
        SELECT
            agent_name,
            model,
            gpu_count,
            trace_id,
            count() AS all_n,
            countIf(r.is_costed) AS costed_n,
            countIf(r.is_inclusive_costed) AS inclusive_costed_n,
            countIf(r.is_inclusive_told) AS inclusive_told_n,
            sumIf(toFloat64(ifNull(r.total_cost_usd, 0)), r.is_costed) AS cost_sum,
            countIf(r.is_costed AND r.succeeded) AS success_sum,
            sumIf(toFloat64(ifNull(r.inclusive_total_cost_usd, 0)), r.is_inclusive_costed) AS inclusive_cost_sum,
            countIf(r.is_inclusive_costed AND r.succeeded) AS inclusive_success_sum,
            sumIf(
                toFloat64(ifNull(r.inclusive_value_usd, 0) - ifNull(r.inclusive_total_cost_usd, 0)), r.is_inclusive_told
            ) AS inclusive_margin_sum,
            groupArray(r.duration_ns) AS durations_ns
        FROM option_runs AS r
        GROUP BY
            agent_name,
            model,
            gpu_count,
            trace_id
    ),
    traces AS
    (
        SELECT
            *,
            quantileExactArray(0.5)(durations_ns) OVER g AS p50_ns,
            quantileExactArray(0.95)(durations_ns) OVER g AS p95_ns,
            arrayCount(d -> d <= p50_ns, durations_ns) AS p50_share_sum,
            arrayCount(d -> d <= p95_ns, durations_ns) AS p95_share_sum
        FROM trace_sums
        WINDOW g AS (PARTITION BY agent_name, model, gpu_count)
    ),
    traces_apart AS
    (
        SELECT
            *,
            @include arithmetic/trace_apart of=cost in=costed,
            @include arithmetic/trace_apart of=success in=costed,
            @include arithmetic/trace_apart of=inclusive_cost in=inclusive_costed,
            @include arithmetic/trace_apart of=inclusive_success in=inclusive_costed,
            @include arithmetic/trace_apart of=inclusive_margin in=inclusive_told,
            @include arithmetic/trace_apart of=p50_share in=all,
            @include arithmetic/trace_apart of=p95_share in=all
        FROM traces
        WINDOW g AS (PARTITION BY agent_name, model, gpu_count)
    )
SELECT
    agent_name,
    model,
    gpu_count,
    count() AS traces,
    sum(all_n) * sum(all_n) / sum(all_n * all_n) AS effective_traces,
    countIf(costed_n > 0) AS costed_traces,
    countIf(inclusive_costed_n > 0) AS inclusive_costed_traces,
    countIf(inclusive_told_n > 0) AS inclusive_told_traces,
    @include arithmetic/trace_shape of=cost in=costed,
    @include arithmetic/trace_shape of=success in=costed,
    @include arithmetic/trace_shape of=inclusive_cost in=inclusive_costed,
    @include arithmetic/trace_shape of=inclusive_success in=inclusive_costed,
    @include arithmetic/trace_shape of=inclusive_margin in=inclusive_told,
    @include arithmetic/trace_shape of=p50_share in=all,
    @include arithmetic/trace_shape of=p95_share in=all,
    ifNotFinite(covarSampStableIf(cost_apart, success_apart, costed_n > 0), 0) AS cost_success_covariance,
    ifNotFinite(
        covarSampStableIf(inclusive_cost_apart, inclusive_success_apart, inclusive_costed_n > 0), 0
    ) AS inclusive_cost_success_covariance
FROM traces_apart
GROUP BY
    agent_name,
    model,
    gpu_count
ORDER BY
    agent_name,
    model,
    gpu_count;
