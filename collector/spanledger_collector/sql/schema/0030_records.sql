-- records: what applications said of their runs beyond spans: revenue, outcomes, evaluations, expenses, effort. Append-only.
-- grain: one row a record as it was received; of the rows of one kind and record_id the one recorded last amends the others (run_records
--   has what counts). units: amount in currency, exact; quantity in unit.
CREATE TABLE IF NOT EXISTS records
(
    workspace String COMMENT 'Whose ledger',
    subject_kind LowCardinality(String) COMMENT 'What the record names: trace | run | key',
    subject String COMMENT 'Trace id, run id or external key',
    subject_run_id String COMMENT 'Run inside that trace, where it is named',
    subject_span_id String COMMENT 'Span inside that trace, where it is named; a record without a subject: its own span',
    kind LowCardinality(String) COMMENT 'revenue | outcome | evaluation | expense | effort',
    record_id String COMMENT 'Name of the record: given, else the id of its span',
    trace_id String COMMENT 'Where it was told',
    span_id String COMMENT 'The span that tells it',
    tenant String COMMENT 'On whose behalf, as told',
    occurred_at DateTime64(9, 'UTC') COMMENT 'When it happened',
    recorded_at DateTime64(9, 'UTC') COMMENT 'When it was said: of the tellings of a record the last one said counts',
    received_at DateTime64(9, 'UTC') COMMENT 'Since when the ledger knows it',
    purpose LowCardinality(String) COMMENT 'Expense or effort: work | appraisal | prevention; empty = work',
    name String COMMENT 'Evaluation name, expense category, role of the person, or unit of an outcome',
    verdict LowCardinality(String) COMMENT 'Outcome: success | failure | partial. Evaluation: acceptable | wrong | hallucinated',
    amount Nullable(Decimal(38, 12)) COMMENT 'Revenue, value of the outcome or expense; NULL = none told, or no number',
    currency LowCardinality(String) COMMENT 'ISO 4217 of amount',
    quantity Nullable(Decimal(38, 6)) COMMENT 'Effort: minutes. Outcome: how many of its unit',
    score Nullable(Float64) COMMENT 'Number of an evaluation, in its own scale',
    label String COMMENT 'Word of an evaluation, in its own scale',
    reason String COMMENT 'In the words of the application',
    service_name LowCardinality(String) COMMENT 'Who told it',
    journal_id LowCardinality(String) COMMENT 'Journal that acknowledged it',
    sequence UInt64 COMMENT 'Record number in that journal',
    PROJECTION by_sequence (SELECT _part_offset ORDER BY journal_id, sequence)
)
ENGINE = ReplacingMergeTree
ORDER BY (workspace, subject_kind, subject, kind, record_id, received_at, span_id)
SETTINGS
    non_replicated_deduplication_window = 10000,
    fsync_after_insert = 1,
    deduplicate_merge_projection_mode = 'rebuild';
