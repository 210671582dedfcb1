-- rework_rates: how much of the work was wasted, over whole days (UTC). Work only: what judges or guards is no work.
-- parameters: workspace; agent_name (empty = any); since, until (start of the call, until exclusive); by (total | agent | version |
--   model | prompt | tenant: what a key is).
-- grain: one row a key, most wasted first. units: USD.
-- columns: key, attempts, rework_attempts (of them wasted), cost_usd, rework_cost_usd (NULL = nothing of the cost is known),
--   rework_cost_ratio, rework_multiplier (arithmetic/rework_share: of a dollar of work, and paid for a dollar of work that was used).
SELECT
    multiIf(
        {by:String} = 'agent', agent_name,
        {by:String} = 'version', trim(agent_name || ' ' || agent_version),
        {by:String} = 'model', provider || '/' || model,
        {by:String} = 'prompt', trim(prompt_name || ' ' || prompt_version),
        {by:String} = 'tenant', tenant,
        'total'
    ) AS key,
    sum(r.attempts) AS attempts,
    sum(r.rework_attempts) AS rework_attempts,
    sum(r.cost_usd) AS cost_usd,
    sum(r.rework_cost_usd) AS rework_cost_usd,
    @include arithmetic/rework_share of=cost_usd
FROM rework_rate AS r
WHERE workspace = {workspace:String}
    AND day >= toDate({since:DateTime64(9)}, 'UTC')
    AND day <= toDate({until:DateTime64(9)} - INTERVAL 1 NANOSECOND, 'UTC')
    AND ({agent_name:String} = '' OR agent_name = {agent_name:String})
GROUP BY key
ORDER BY
    rework_cost_usd DESC NULLS LAST,
    rework_attempts DESC,
    key;
