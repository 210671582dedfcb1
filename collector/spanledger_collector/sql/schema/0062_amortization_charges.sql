-- amortization_charges: what each run carries of each asset. Posted once, when the run is first settled; never rewritten. A fact, not an
--   aggregate: the rate is that of the moment, so it cannot be rebuilt.
-- grain: (workspace, trace_id, run_id, asset_id, units_before); a run that grows later (tokens) gets a further row.
--   0 USD: units that a charged run grew by when nothing could be charged, and that are not charged by what is booked later. A run that
--   came when nothing could be charged has no row; see asset_rests.
-- units: USD; the rate with 24 decimals, the amount with 12. sum(amount_usd) of an asset never exceeds its capital.
CREATE TABLE IF NOT EXISTS amortization_charges
(
    workspace String COMMENT 'Whose ledger',
    trace_id String COMMENT 'Trace of the run',
    run_id String COMMENT 'The run that carries it',
    asset_id String COMMENT 'The asset',
    units_before Decimal(38, 6) COMMENT 'Units of this run that were charged before',
    agent_name String COMMENT 'Agent of the run',
    agent_version String COMMENT 'Its version',
    tenant String COMMENT 'On whose behalf, as known when it was posted (views take that of the run)',
    kind LowCardinality(String) COMMENT 'Of the asset: training | data_curation | evaluation | provisioning | hosting',
    plan_id String COMMENT 'Entry of the plan it was charged by',
    basis_id String COMMENT 'Newest entry of the asset at that moment: names the version of the estimate',
    units Decimal(38, 6) COMMENT 'Units settled now: no later row is for them',
    rate_usd Decimal(38, 24) COMMENT 'Per unit: (capital - salvage - charged before the basis) / units expected then',
    amount_usd Decimal(38, 12) COMMENT 'units x rate, at most what is left',
    posted_at DateTime64(9, 'UTC') COMMENT 'When it was posted',
    version UInt64 COMMENT 'Settlement that posted it'
)
ENGINE = ReplacingMergeTree
ORDER BY (workspace, trace_id, run_id, asset_id, units_before)
SETTINGS fsync_after_insert = 1;
