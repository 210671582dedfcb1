-- agent_traces: moments of the runs of agent_statistics (of agents, by agent) where traces have several of them: by traces. The runs of one
--   trace go dear or cheap, well or ill, fast or slow together; what is drawn anew each time is the trace.
-- parameters: workspace; agent_name (by agent: empty = any); agent_version, tenant (empty = any); since, until (start of the run, until
--   exclusive); by (agent: each agent and version; total | version | tenant | model, and with _and_total, as of agent_statistics).
-- grain: (agent_name, kind, key), most traces first. units: USD, nanoseconds (_ns), as floats.
-- A mean over runs is S / N of sums over traces: its variance is the _variance here (of traces apart, arithmetic/trace_apart, n - 1 below the
--   line) / traces that have such a run (costed_traces, told_traces, traces). _skewness likewise; rework_work_*, work_variance: of sums by trace.
-- columns: agent_name, kind (agent | total | version | tenant | model), key (of kind agent the version), traces, effective_traces (of equal
--   size that would tell as much: Kish), costed_traces (with a run whose cost is known wholly), told_traces (and its value has rates),
--   inclusive_costed_traces, inclusive_told_traces, cost_variance, cost_skewness, total_cost_variance, total_cost_skewness, success_variance,
--   success_skewness, value_variance, value_skewness, margin_variance, margin_skewness, contribution_variance, contribution_skewness,
--   inclusive_cost_variance, inclusive_cost_skewness, inclusive_total_cost_variance, inclusive_total_cost_skewness, inclusive_success_variance,
--   inclusive_success_skewness, inclusive_value_variance, inclusive_value_skewness, inclusive_margin_variance, inclusive_margin_skewness,
--   inclusive_contribution_variance, inclusive_contribution_skewness, rework_variance, rework_skewness, duration_variance, duration_skewness,
--   success_rate_variance (of the share of runs that succeed), success_rate_skewness, p50_share_variance (of the share of runs that last at most
--   the median of all), p50_share_skewness, p95_share_variance (the 95th percentile), p95_share_skewness, total_cost_success_covariance,
--   inclusive_total_cost_success_covariance, rework_work_variance, work_variance, rework_work_covariance.
WITH
    @include arithmetic/agent_runs,
    @include arithmetic/grouped_runs,
    trace_sums AS
    (
        SELECT
            agent_name,
            kind,
            if(kind = 'total', 'total', r.group_key) AS key,
            trace_id,
            count() AS all_n,
            @include arithmetic/trace_sums of=,
            @include arithmetic/trace_sums of=inclusive_,
            sum(toFloat64(r.work)) AS work_sum,
            sum(toFloat64(r.wasted)) AS wasted_sum,
            sumIf(toFloat64(r.wasted), r.is_costed) AS rework_sum,
            sum(toFloat64(r.duration_ns)) AS duration_sum,
            countIf(r.won) AS success_rate_sum,
            groupArray(r.duration_ns) AS durations_ns
        FROM
        (
            SELECT
                *,
                @include arithmetic/won
                AS won
            FROM grouped_runs AS r
            WHERE {agent_name:String} = '' OR r.agent_name = {agent_name:String}
        ) AS r
        GROUP BY
            agent_name,
            kind,
            key,
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
        WINDOW g AS (PARTITION BY agent_name, kind, key)
    ),
    traces_apart AS
    (
        SELECT
            *,
            @include arithmetic/trace_apart of=cost in=costed,
            @include arithmetic/trace_apart of=total_cost in=costed,
            @include arithmetic/trace_apart of=success in=costed,
            @include arithmetic/trace_apart of=value in=told,
            @include arithmetic/trace_apart of=margin in=told,
            @include arithmetic/trace_apart of=contribution in=told,
            @include arithmetic/trace_apart of=inclusive_cost in=inclusive_costed,
            @include arithmetic/trace_apart of=inclusive_total_cost in=inclusive_costed,
            @include arithmetic/trace_apart of=inclusive_success in=inclusive_costed,
            @include arithmetic/trace_apart of=inclusive_value in=inclusive_told,
            @include arithmetic/trace_apart of=inclusive_margin in=inclusive_told,
            @include arithmetic/trace_apart of=inclusive_contribution in=inclusive_told,
            @include arithmetic/trace_apart of=rework in=costed,
            @include arithmetic/trace_apart of=duration in=all,
            @include arithmetic/trace_apart of=success_rate in=all,
            @include arithmetic/trace_apart of=p50_share in=all,
            @include arithmetic/trace_apart of=p95_share in=all
        FROM traces
        WINDOW g AS (PARTITION BY agent_name, kind, key)
    )
SELECT
    agent_name,
    kind,
    key,
    count() AS traces,
    sum(all_n) * sum(all_n) / sum(all_n * all_n) AS effective_traces,
    countIf(costed_n > 0) AS costed_traces,
    countIf(told_n > 0) AS told_traces,
    countIf(inclusive_costed_n > 0) AS inclusive_costed_traces,
    countIf(inclusive_told_n > 0) AS inclusive_told_traces,
    @include arithmetic/trace_shape of=cost in=costed,
    @include arithmetic/trace_shape of=total_cost in=costed,
    @include arithmetic/trace_shape of=success in=costed,
    @include arithmetic/trace_shape of=value in=told,
    @include arithmetic/trace_shape of=margin in=told,
    @include arithmetic/trace_shape of=contribution in=told,
    @include arithmetic/trace_shape of=inclusive_cost in=inclusive_costed,
    @include arithmetic/trace_shape of=inclusive_total_cost in=inclusive_costed,
    @include arithmetic/trace_shape of=inclusive_success in=inclusive_costed,
    @include arithmetic/trace_shape of=inclusive_value in=inclusive_told,
    @include arithmetic/trace_shape of=inclusive_margin in=inclusive_told,
    @include arithmetic/trace_shape of=inclusive_contribution in=inclusive_told,
    @include arithmetic/trace_shape of=rework in=costed,
    @include arithmetic/trace_shape of=duration in=all,
    @include arithmetic/trace_shape of=success_rate in=all,
    @include arithmetic/trace_shape of=p50_share in=all,
    @include arithmetic/trace_shape of=p95_share in=all,
    ifNotFinite(covarSampStableIf(total_cost_apart, success_apart, costed_n > 0), 0) AS total_cost_success_covariance,
    ifNotFinite(covarSampStableIf(inclusive_total_cost_apart, inclusive_success_apart, inclusive_costed_n > 0), 0) AS inclusive_total_cost_success_covariance,
    ifNotFinite(varSampStable(wasted_sum), 0) AS rework_work_variance,
    ifNotFinite(varSampStable(work_sum), 0) AS work_variance,
    ifNotFinite(covarSampStable(wasted_sum, work_sum), 0) AS rework_work_covariance
FROM traces_apart
GROUP BY
    agent_name,
    kind,
    key
ORDER BY
    traces DESC,
    agent_name,
    kind,
    key;
