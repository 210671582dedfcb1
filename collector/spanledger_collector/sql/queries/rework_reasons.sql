-- rework_reasons: what was paid or waited for twice, and why. A view of the cost, never added to it.
-- parameters: workspace; agent_name, agent_version, tenant (empty = any); since, until (start of the call, until exclusive); by (total |
--   agent | version | model | prompt | tenant: what a key is).
-- grain: one row a key and reason, dearest first. units: USD, tokens, seconds.
-- The sums of the view rework, of any period; it has a row a day, tenant, model and prompt: too many to be summed again here.
-- columns: key, rework_reason, attempts, input_tokens, output_tokens, cost_usd (NULL = none of it is known), unknown_cost_attempts,
--   wait_seconds (waited before trying again).
SELECT
    toString(
        @include arithmetic/attempt_key
    ) AS key,
    a.rework_reason AS rework_reason,
    count() AS attempts,
    sum(a.input_uncached_tokens + a.cache_read_tokens + a.cache_write_5m_tokens + a.cache_write_1h_tokens) AS input_tokens,
    sum(a.output_tokens) AS output_tokens,
    sum(a.cost_usd) AS cost_usd,
    countIf(a.price_status IN ('unpriced', 'partial', 'unmetered')) AS unknown_cost_attempts,
    -- To the nanosecond: sums of floats end in digits that nobody told.
    round(sum(a.wait_seconds), 9) AS wait_seconds
FROM attempts AS a FINAL
WHERE
    @include arithmetic/attempts_of_period
    AND a.rework_reason != ''
GROUP BY
    @include arithmetic/attempt_key
    ,
    rework_reason
ORDER BY
    cost_usd DESC NULLS LAST,
    key,
    rework_reason;
