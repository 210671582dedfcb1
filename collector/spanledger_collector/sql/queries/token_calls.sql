-- token_calls: the model calls of an agent that generate text, and of those that used tokens and whose cost is known what they used and were billed: what GPUs
--   of one's own are held against. Both sides are of the same calls.
-- parameters: workspace; agent_name; since, until (start of the run, until exclusive).
-- grain: one row; none where the agent made no such calls. units: USD; tokens.
-- columns: runs (with model calls), attempts (model calls and retries), compared_attempts (whose cost is known wholly, and is one of tokens or
--   nothing), calls (of those, that used tokens), input_tokens, cache_read_tokens (of them), output_tokens, billed_usd (of those calls),
--   whole_runs (all of whose attempts are compared), whole_calls, whole_billed_usd (of those runs), whole_calls_variance,
--   whole_billed_variance, whole_billed_calls_covariance (by run, n - 1 below the line; 0 where there is none), whole_traces (that whole_runs are
--   in), trace_calls_variance, trace_calls_skewness, trace_billed_variance, trace_billed_skewness, trace_billed_calls_covariance (of traces apart,
--   arithmetic/trace_apart: what a mean is drawn with where these are fewer).
SELECT
    sum(runs_n) AS runs,
    sum(attempts_sum) AS attempts,
    sum(compared_sum) AS compared_attempts,
    sum(calls_sum) AS calls,
    sum(input_tokens_sum) AS input_tokens,
    sum(cache_read_tokens_sum) AS cache_read_tokens,
    sum(output_tokens_sum) AS output_tokens,
    sum(billed_sum) AS billed_usd,
    sum(whole_n) AS whole_runs,
    sum(whole_calls_sum) AS whole_calls,
    sum(whole_billed_sum) AS whole_billed_usd,
    ifNotFinite(varSampStableArray(calls_each), 0) AS whole_calls_variance,
    ifNotFinite(varSampStableArray(billed_each), 0) AS whole_billed_variance,
    ifNotFinite(covarSampStableArray(billed_each, calls_each), 0) AS whole_billed_calls_covariance,
    countIf(whole_n > 0) AS whole_traces,
    @include arithmetic/trace_shape of=trace_calls in=whole,
    @include arithmetic/trace_shape of=trace_billed in=whole,
    ifNotFinite(covarSampStableIf(trace_billed_apart, trace_calls_apart, whole_n > 0), 0) AS trace_billed_calls_covariance
FROM
(
    SELECT
        *,
        @include arithmetic/trace_apart of=trace_calls in=whole,
        @include arithmetic/trace_apart of=trace_billed in=whole
    FROM
    (
        SELECT
            trace_id,
            count() AS runs_n,
            sum(run_attempts) AS attempts_sum,
            sum(run_compared) AS compared_sum,
            sum(run_calls) AS calls_sum,
            sum(run_input_tokens) AS input_tokens_sum,
            sum(run_cache_read_tokens) AS cache_read_tokens_sum,
            sum(run_output_tokens) AS output_tokens_sum,
            sum(run_billed_usd) AS billed_sum,
            countIf(run_attempts = run_compared) AS whole_n,
            sumIf(run_calls, run_attempts = run_compared) AS whole_calls_sum,
            sumIf(run_billed_usd, run_attempts = run_compared) AS whole_billed_sum,
            groupArrayIf(toFloat64(run_calls), run_attempts = run_compared) AS calls_each,
            groupArrayIf(toFloat64(run_billed_usd), run_attempts = run_compared) AS billed_each,
            arraySum(calls_each) AS trace_calls_sum,
            arraySum(billed_each) AS trace_billed_sum
        FROM
        (
            SELECT
                trace_id,
                run_id,
                count() AS run_attempts,
                countIf(is_known AND (tokens > 0 OR cost_usd = 0)) AS run_compared,
                countIf(is_known AND tokens > 0) AS run_calls,
                sumIf(input_tokens, is_known AND tokens > 0) AS run_input_tokens,
                sumIf(cache_read_tokens, is_known AND tokens > 0) AS run_cache_read_tokens,
                sumIf(output_tokens, is_known AND tokens > 0) AS run_output_tokens,
                ifNull(sumIf(cost_usd, is_known AND tokens > 0), toDecimal128(0, 12)) AS run_billed_usd
            FROM
            (
                SELECT
                    trace_id,
                    run_id,
                    a.cost_usd AS cost_usd,
                    a.cost_usd IS NOT NULL AND a.price_status NOT IN ('unpriced', 'partial', 'unmetered') AS is_known,
                    a.input_uncached_tokens + a.cache_read_tokens + a.cache_write_5m_tokens + a.cache_write_1h_tokens AS input_tokens,
                    a.cache_read_tokens AS cache_read_tokens,
                    a.output_tokens AS output_tokens,
                    input_tokens + output_tokens AS tokens
                FROM attempts AS a FINAL
                WHERE a.workspace = {workspace:String}
                    AND a.agent_name = {agent_name:String}
                    AND
                    @include arithmetic/of_runs
                    AND a.counted
                    AND a.operation IN ('chat', 'text_completion', 'generate_content')
            )
            GROUP BY
                trace_id,
                run_id
        )
        GROUP BY trace_id
    )
    WINDOW g AS ()
)
HAVING runs > 0;
