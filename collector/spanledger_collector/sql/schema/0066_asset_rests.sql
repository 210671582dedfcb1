-- asset_rests: when an asset had nothing to charge: all was charged, or the units of its plan were used up. Runs that entered the books
--   meanwhile are not charged of it by what is booked later. A fact, not to be rebuilt: what was left is of the moment of settling.
-- grain: (workspace, asset_id, basis_id, charged_usd): one row a rest, however many runs came; the same books and the same sum of
--   charges are the same rest. units: USD.
CREATE TABLE IF NOT EXISTS asset_rests
(
    workspace String COMMENT 'Whose ledger',
    asset_id String COMMENT 'The asset',
    basis_id String COMMENT 'Newest entry of its books then',
    charged_usd Decimal(38, 12) COMMENT 'What was charged of it by then',
    entered_from SimpleAggregateFunction(min, DateTime64(9, 'UTC')) COMMENT 'When the first run that found nothing entered the books',
    entered_to SimpleAggregateFunction(max, DateTime64(9, 'UTC')) COMMENT 'When the last one did'
)
ENGINE = AggregatingMergeTree
ORDER BY (workspace, asset_id, basis_id, charged_usd)
SETTINGS fsync_after_insert = 1;
