-- token_calls: the model calls of an agent that generate text, and of those that used tokens and whose cost is known what they used and were billed: what GPUs
--   of one's own are held against. Both sides are of the same calls.
-- parameters: workspace; agent_name; since, until (start of the run, until exclusive).
-- grain: one row; none where the agent made no such calls. units: USD; tokens.
-- columns: runs (with model calls), attempts (model calls and retries), compared_attempts (whose cost is known wholly, and is one of tokens or
--   nothing), calls (of those, that used tokens), input_tokens, cache_read_tokens (of them), output_tokens, billed_usd (of those calls),
--   whole_runs (all of whose attempts are compared), whole_calls, whole_billed_usd (of those runs), whole_calls_variance,
--   whole_billed_variance, whole_billed_calls_covariance (by run, n - 1 below the line; 0 where there is none).
SELECT
    count() AS runs,
    sum(run_attempts) AS attempts,
    sum(run_compared) AS compared_attempts,
    sum(run_calls) AS calls,
    sum(run_input_tokens) AS input_tokens,
    sum(run_cache_read_tokens) AS cache_read_tokens,
    sum(run_output_tokens) AS output_tokens,
    sum(run_billed_usd) AS billed_usd,
    countIf(run_attempts = run_compared) AS whole_runs,
    sumIf(run_calls, run_attempts = run_compared) AS whole_calls,
    sumIf(run_billed_usd, run_attempts = run_compared) AS whole_billed_usd,
    ifNotFinite(varSampStableIf(toFloat64(run_calls), run_attempts = run_compared), 0) AS whole_calls_variance,
    ifNotFinite(varSampStableIf(toFloat64(run_billed_usd), run_attempts = run_compared), 0) AS whole_billed_variance,
    ifNotFinite(
        covarSampStableIf(toFloat64(run_billed_usd), toFloat64(run_calls), run_attempts = run_compared), 0
    ) AS whole_billed_calls_covariance
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
HAVING runs > 0;
