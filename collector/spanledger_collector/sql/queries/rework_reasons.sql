-- rework_reasons: what was paid or waited for twice, and why, over whole days (UTC). A view of the cost, never added to it.
-- parameters: workspace; agent_name (empty = any); since, until (start of the call, until exclusive); by (total | agent | version |
--   model | prompt | tenant: what a key is).
-- grain: one row a key and reason, dearest first. units: USD, tokens, seconds.
-- columns: key, rework_reason, attempts, input_tokens, output_tokens, cost_usd (NULL = none of it is known), unknown_cost_attempts,
--   wait_seconds (waited before trying again).
SELECT
    multiIf(
        {by:String} = 'agent', agent_name,
        {by:String} = 'version', trim(agent_name || ' ' || agent_version),
        {by:String} = 'model', provider || '/' || model,
        {by:String} = 'prompt', trim(prompt_name || ' ' || prompt_version),
        {by:String} = 'tenant', tenant,
        'total'
    ) AS key,
    rework_reason,
    sum(r.attempts) AS attempts,
    sum(r.input_tokens) AS input_tokens,
    sum(r.output_tokens) AS output_tokens,
    sum(r.cost_usd) AS cost_usd,
    sum(r.unknown_cost_attempts) AS unknown_cost_attempts,
    sum(r.wait_seconds) AS wait_seconds
FROM rework AS r
WHERE workspace = {workspace:String}
    AND day >= toDate({since:DateTime64(9)}, 'UTC')
    AND day <= toDate({until:DateTime64(9)} - INTERVAL 1 NANOSECOND, 'UTC')
    AND ({agent_name:String} = '' OR agent_name = {agent_name:String})
GROUP BY
    key,
    rework_reason
ORDER BY
    cost_usd DESC NULLS LAST,
    key,
    rework_reason;
