-- asset_takings: what write-offs, transfers and credits really took out of each asset: at most what was left when they were granted.
--   Posted by settle, never rewritten, and not to be rebuilt: what was left is of the moment. What was asked beyond that is in no sum, and is shown (amortization.refused_usd).
-- grain: (workspace, asset_id, entry, entry_id, taken_before_usd); an entry that overtook the cost that it is about gets a further
--   row when that arrives. units: USD. charges + takings of an asset never exceed what was booked on it and transferred to it.
CREATE TABLE IF NOT EXISTS asset_takings
(
    workspace String COMMENT 'Whose ledger',
    asset_id String COMMENT 'The asset that it leaves',
    entry LowCardinality(String) COMMENT 'write_off | transfer | cost (a negative one: a credit)',
    entry_id String COMMENT 'Name of the entry',
    taken_before_usd Decimal(38, 12) COMMENT 'What the entry had taken before this row',
    to_asset_id String COMMENT 'Transfer: where it goes',
    is_rest Bool COMMENT 'The entry takes all that is left, whatever that is',
    amount_usd Decimal(38, 12) COMMENT 'What it took',
    posted_at DateTime64(9, 'UTC') COMMENT 'When it was posted',
    version UInt64 COMMENT 'Settlement that posted it'
)
ENGINE = ReplacingMergeTree
ORDER BY (workspace, asset_id, entry, entry_id, taken_before_usd)
SETTINGS fsync_after_insert = 1;
