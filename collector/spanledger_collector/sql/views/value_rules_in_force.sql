-- value_rules_in_force: the value rules as the ledger was told last, each until the next of its scope begins.
-- grain: one row a rule. units: amount in currency for one of `per`; seconds of latency.
-- columns: those of value_rules (an empty scope = all), and
--   valid_to      exclusive: as told, or the begin of the next rule of the same scope and per
--   rank          how particular the scope is: of rules of one `per` that fit a run the highest counts
CREATE OR REPLACE VIEW value_rules_in_force AS
SELECT
    workspace,
    agent_name,
    agent_version,
    tenant,
    per,
    valid_from,
    least(
        told_to,
        leadInFrame(valid_from, 1, toDateTime64('2299-12-31 00:00:00', 3, 'UTC')) OVER (
            PARTITION BY workspace, agent_name, agent_version, tenant, per
            ORDER BY valid_from ASC
            ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
        )
    ) AS valid_to,
    amount,
    currency,
    grace_seconds,
    half_life_seconds,
    zero_after_seconds,
    why,
    known_from,
    8 * (agent_name != '') + 4 * (agent_version != '') + 2 * (tenant != '') + (workspace != '') AS rank
FROM
(
    SELECT
        * EXCEPT (valid_to),
        valid_to AS told_to
    FROM value_rules FINAL
    ORDER BY known_from DESC
    LIMIT 1 BY workspace, agent_name, agent_version, tenant, per, valid_from
)
WHERE NOT ended;
