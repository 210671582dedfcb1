-- asset_entries: the books of what was paid once and serves many runs: training, data curation, evaluation, provisioning,
--   hosting. Append-only: nothing is edited, a better estimate is one more entry, and holds from its arrival on.
-- grain: one row an entry. units: amounts in currency, exact; expected units in the unit of the plan.
CREATE TABLE IF NOT EXISTS asset_entries
(
    workspace String COMMENT 'Whose ledger',
    asset_id String COMMENT 'The asset, as the booker calls it',
    entry LowCardinality(String) COMMENT 'cost (adds capital) | plan (says over how many units) | write_off | transfer (to another asset) | received (the other side of a transfer)',
    entry_id String COMMENT 'Name of the entry: given, else the id of its span; the same name twice is one entry',
    kind LowCardinality(String) COMMENT 'training | data_curation | evaluation | provisioning | hosting',
    amount Nullable(Decimal(38, 12)) COMMENT 'Cost: capital added; negative: a credit. Write-off, transfer: capital to take out, as asked; NULL = all that is left',
    currency LowCardinality(String) COMMENT 'ISO 4217 of amount',
    method LowCardinality(String) COMMENT 'Plan: straight_line_per_execution | units_of_production | straight_line_per_time',
    unit LowCardinality(String) COMMENT 'Plan: execution | token | flop (per time: execution, absorbed at the planned rate)',
    expected_units Nullable(Decimal(38, 6)) COMMENT 'Plan: units still to come, from now on',
    expected_units_low Nullable(Decimal(38, 6)) COMMENT 'Plan: low end of that',
    expected_units_high Nullable(Decimal(38, 6)) COMMENT 'Plan: high end of that',
    life_days Nullable(Decimal(38, 6)) COMMENT 'Plan per time: days still to come',
    salvage Nullable(Decimal(38, 12)) COMMENT 'Plan: what is left at the end, never charged; in USD',
    agent_name String COMMENT 'Plan: whose runs carry it; empty = every agent',
    agent_version String COMMENT 'Plan: of which version; empty = every version',
    to_asset_id String COMMENT 'Transfer: where the capital goes',
    measured Bool COMMENT 'The amount was measured (a training run), not booked by hand',
    reason String COMMENT 'In the words of the booker',
    occurred_at DateTime64(9, 'UTC') COMMENT 'When it happened',
    received_at DateTime64(9, 'UTC') COMMENT 'When it entered the books: from then on it has effect',
    span_id String COMMENT 'The span that told it',
    trace_id String COMMENT 'Its trace: evidence (a training run has its figures there)'
)
ENGINE = ReplacingMergeTree
ORDER BY (workspace, asset_id, entry, entry_id, received_at, span_id)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1;
