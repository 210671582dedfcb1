-- value_rules: the rules by which runs without a recorded amount are worth something, as the ledger was told last.
-- parameters: workspace.
-- grain: one row a rule. units: amount in currency for one of `per`; seconds of latency.
-- columns: agent_name, agent_version, tenant (whose runs; empty = all), per (run | success | a unit of outcomes), amount,
--   currency, valid_from, valid_to (exclusive), grace_seconds, half_life_seconds, zero_after_seconds, why, known_from.
SELECT
    agent_name,
    agent_version,
    tenant,
    per,
    amount,
    currency,
    valid_from,
    valid_to,
    grace_seconds,
    half_life_seconds,
    zero_after_seconds,
    why,
    known_from
FROM value_rules_in_force
WHERE workspace IN ('', {workspace:String})
ORDER BY
    agent_name,
    agent_version,
    tenant,
    per,
    valid_from;
