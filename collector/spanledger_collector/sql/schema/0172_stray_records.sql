-- stray_records: records that found no run, so are in no sum. Kept by the settler: it looks for the run of each record once the traces
--   that arrived with it are settled, and again when a settlement may have given it a run, or taken it.
-- grain: (workspace, kind, record_id, told_apart), newest version wins (read with FINAL): as the telling that was said last says it.
-- units: amount in currency, exact; quantity in its unit, of effort in minutes. Derived from records and runs.
CREATE TABLE IF NOT EXISTS stray_records
(
    workspace String COMMENT 'Whose ledger',
    kind LowCardinality(String) COMMENT 'revenue | outcome | evaluation | expense | effort',
    record_id String COMMENT 'Name of the record',
    told_apart String COMMENT 'Trace in which it was told of that trace itself: its name is of that trace alone; empty = told from elsewhere',
    tellings UInt32 COMMENT 'How often it was told; above 1 = amended',
    waits_since DateTime64(9, 'UTC') COMMENT 'When the ledger first heard of it',
    subject_kind LowCardinality(String) COMMENT 'What it names: trace | run | key; none = nothing, and no run is around it',
    subject String COMMENT 'That trace id, run id or external key; empty = none',
    subject_span_id String COMMENT 'Span it is about; empty = the run as a whole',
    told_in String COMMENT 'Trace in which it was told',
    told_by String COMMENT 'Span that tells it',
    tenant String COMMENT 'On whose behalf, as told',
    occurred_at DateTime64(9, 'UTC') COMMENT 'When it happened',
    recorded_at DateTime64(9, 'UTC') COMMENT 'When it was said',
    name String COMMENT 'Evaluation name, expense category, role of the person, or unit of an outcome',
    verdict LowCardinality(String) COMMENT 'Outcome: success | failure | partial. Evaluation: acceptable | wrong | hallucinated',
    amount Nullable(Decimal(38, 12)) COMMENT 'Revenue, value of the outcome or expense; NULL = none told, or no number',
    currency LowCardinality(String) COMMENT 'ISO 4217 of amount',
    quantity Nullable(Decimal(38, 6)) COMMENT 'Effort: minutes. Outcome: how many of its unit',
    reason String COMMENT 'In the words of the application',
    service_name LowCardinality(String) COMMENT 'Who told it',
    version UInt64 COMMENT 'Grows whenever it is looked for again; newest wins',
    is_deleted UInt8 COMMENT '1 = it has a run since'
)
ENGINE = ReplacingMergeTree(version, is_deleted)
ORDER BY (workspace, kind, record_id, told_apart)
SETTINGS fsync_after_insert = 1;
