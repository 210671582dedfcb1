-- asset_postings: what settling posts about runs and the assets that serve them; keeps nothing, feeds amortization_charges and asset_rests.
-- grain: one row a (run, asset) that is due. units: those of amortization_charges.
CREATE TABLE IF NOT EXISTS asset_postings
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
    version UInt64 COMMENT 'Settlement that posted it',
    entered_at DateTime64(9, 'UTC') COMMENT 'When the run entered the books',
    charged_usd Decimal(38, 12) COMMENT 'Charged of the asset when this settlement is done',
    found_nothing Bool COMMENT 'Nothing of the asset could be charged'
)
ENGINE = Null;
