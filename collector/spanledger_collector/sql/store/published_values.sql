-- published_values: what the ledger holds of value rules, ended ones included: the newest row of each.
-- grain: one row a rule. units: amount in currency; seconds; instants in UTC.
SELECT
    workspace,
    agent_name,
    agent_version,
    tenant,
    per,
    valid_from,
    valid_to,
    amount,
    toString(currency) AS currency,
    grace_seconds,
    half_life_seconds,
    zero_after_seconds,
    why,
    known_from,
    ended
FROM value_rules FINAL
ORDER BY known_from DESC
LIMIT 1 BY workspace, agent_name, agent_version, tenant, per, valid_from
