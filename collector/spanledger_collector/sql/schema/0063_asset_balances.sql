-- asset_balances: what was charged of each asset so far, by plan and basis: the settler reads it before it posts.
-- grain: (workspace, asset_id, plan_id, basis_id). units: USD; units of the plan. Counts a charge that two collectors posted
--   at the same moment twice, so it errs towards charging less than the capital, never more.
CREATE TABLE IF NOT EXISTS asset_balances
(
    workspace String COMMENT 'Whose ledger',
    asset_id String COMMENT 'The asset',
    plan_id String COMMENT 'Plan it was charged by',
    basis_id String COMMENT 'Newest entry at that moment',
    units SimpleAggregateFunction(sum, Decimal(38, 6)) COMMENT 'Units charged',
    amount_usd SimpleAggregateFunction(sum, Decimal(38, 12)) COMMENT 'USD charged'
)
ENGINE = AggregatingMergeTree
ORDER BY (workspace, asset_id, plan_id, basis_id)
SETTINGS fsync_after_insert = 1;
