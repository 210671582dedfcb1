-- run_records: the records that count, each with the run it is about. Written by settle.
-- grain: (workspace, trace_id, kind, record_id); newest version wins (read with FINAL). Of amended records the telling that
--   was recorded last.
-- units: amount in currency, amount_usd in USD; quantity in minutes. Derived from records: may be dropped.
CREATE TABLE IF NOT EXISTS run_records
(
    workspace String COMMENT 'Whose ledger',
    trace_id String COMMENT 'Trace of the run',
    run_id String COMMENT 'Run it is about: the named one, that of the named span, else the top run of the trace',
    told_by String COMMENT 'Span of the telling that counts',
    subject_span_id String COMMENT 'Span it is about; empty = the run as a whole',
    kind LowCardinality(String) COMMENT 'revenue | outcome | evaluation | expense | effort',
    record_id String COMMENT 'Name of the record',
    tellings UInt32 COMMENT 'How often it was told; above 1 = amended',
    occurred_at DateTime64(9, 'UTC') COMMENT 'When it happened, by the telling that counts',
    recorded_at DateTime64(9, 'UTC') COMMENT 'When that telling was said',
    received_at DateTime64(9, 'UTC') COMMENT 'When that telling was received',
    purpose LowCardinality(String) COMMENT 'Expense or effort: work | appraisal | prevention; empty = work',
    name String COMMENT 'Evaluation name, expense category, role of the person, or unit of an outcome',
    verdict LowCardinality(String) COMMENT 'Outcome: success | failure | partial. Evaluation: acceptable | wrong | hallucinated',
    amount Nullable(Decimal(38, 12)) COMMENT 'Revenue, value of the outcome or expense',
    currency LowCardinality(String) COMMENT 'ISO 4217 of amount',
    amount_usd Nullable(Decimal(38, 12)) COMMENT 'The amount in USD; NULL where there is none, or no rate for its currency',
    quantity Nullable(Decimal(38, 6)) COMMENT 'Effort: minutes. Outcome: how many of its unit',
    score Nullable(Float64) COMMENT 'Number of an evaluation',
    label String COMMENT 'Word of an evaluation',
    reason String COMMENT 'In the words of the application',
    version UInt64 COMMENT 'Settlement that wrote the row; newest wins'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (workspace, trace_id, kind, record_id)
SETTINGS fsync_after_insert = 1;
