-- value_rules: what a run is worth where nobody recorded an amount, as the operator's file says. Append only.
-- grain: one row a (scope, per, valid_from, known_from); the newest known of a rule holds, for past runs too.
-- units: amount in currency for one of `per`; seconds of latency.
CREATE TABLE IF NOT EXISTS value_rules
(
    workspace String COMMENT 'Whose ledger; empty = every one',
    agent_name String COMMENT 'Whose runs; empty = all agents',
    agent_version String COMMENT 'Of which version; empty = all',
    tenant String COMMENT 'On whose behalf; empty = all',
    per String COMMENT 'run | success | a unit that outcomes record',
    valid_from DateTime64(3, 'UTC') COMMENT 'Runs that begin from here on',
    valid_to DateTime64(3, 'UTC') COMMENT 'And before this; an earlier begin of a later rule of the same scope ends it too',
    amount Decimal(38, 12) COMMENT 'What one of them is worth',
    currency LowCardinality(String) COMMENT 'ISO 4217',
    grace_seconds Float64 COMMENT 'Latency until which the value is whole',
    half_life_seconds Float64 COMMENT 'After so many more seconds it is half; 0 = it does not shrink',
    zero_after_seconds Float64 COMMENT 'Latency from which it is nothing; 0 = no such limit',
    why String COMMENT 'Where the amount comes from',
    known_from DateTime64(3, 'UTC') COMMENT 'Since when the ledger was told',
    ended Bool COMMENT 'Taken out of the file then'
)
ENGINE = ReplacingMergeTree
ORDER BY (workspace, agent_name, agent_version, tenant, per, valid_from, known_from)
SETTINGS fsync_after_insert = 1;
