-- rework_rates: how much of the work was wasted, over whole days (UTC). Work only: what judges or guards is no work.
-- parameters: workspace; agent_name (empty = any); since, until (start of the call, until exclusive); by (total | agent | version |
--   model | prompt | tenant: what a key is).
-- grain: one row a key, most wasted first. units: USD.
-- The same sums as of the view rework_rate, which has a row a day, tenant, model and prompt: too many to be summed again here.
-- columns: key, attempts, rework_attempts (of them wasted), cost_usd, rework_cost_usd (NULL = nothing of the cost is known),
--   rework_cost_ratio, rework_multiplier (arithmetic/rework_share: of a dollar of work, and paid for a dollar of work that was used),
--   unknown_cost_attempts (their cost is unknown: costs are lower bounds when > 0), unknown_rework_attempts (of them wasted).
SELECT
    toString(
        @include arithmetic/attempt_key
    ) AS key,
    count() AS attempts,
    countIf(a.rework_reason != '') AS rework_attempts,
    sum(a.cost_usd) AS cost_usd,
    if(cost_usd IS NULL, NULL, ifNull(sumIf(a.cost_usd, a.rework_reason != ''), toDecimal128(0, 12))) AS rework_cost_usd,
    @include arithmetic/rework_share of=cost_usd,
    countIf(a.price_status IN ('unpriced', 'partial', 'unmetered')) AS unknown_cost_attempts,
    countIf(a.price_status IN ('unpriced', 'partial', 'unmetered') AND a.rework_reason != '') AS unknown_rework_attempts
FROM attempts AS a FINAL
WHERE a.workspace = {workspace:String}
    AND toDate(a.started_at, 'UTC') >= toDate({since:DateTime64(9)}, 'UTC')
    AND toDate(a.started_at, 'UTC') <= toDate({until:DateTime64(9)} - INTERVAL 1 NANOSECOND, 'UTC')
    AND ({agent_name:String} = '' OR a.agent_name = {agent_name:String})
    AND a.counted
    AND a.purpose = 'work'
GROUP BY
    @include arithmetic/attempt_key
ORDER BY
    rework_cost_usd DESC NULLS LAST,
    rework_attempts DESC,
    key;
