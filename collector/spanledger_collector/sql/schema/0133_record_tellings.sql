-- record_tellings: whom each telling of a record names, by the record's name: an amendment may name another run than what it amends.
-- grain: one row a copy of a telling (workspace, kind, record_id, trace_id, span_id, recorded_at, occurred_at), derived from records: told again
--   later it is as old as its first copy. Those told within the trace that they are
--   about are not here: their names are of that trace alone.
CREATE TABLE IF NOT EXISTS record_tellings
(
    workspace String COMMENT 'Whose ledger',
    kind LowCardinality(String) COMMENT 'revenue | outcome | evaluation | expense | effort',
    record_id String COMMENT 'Name of the record',
    trace_id String COMMENT 'Where it was told',
    span_id String COMMENT 'The span that tells it',
    subject_kind LowCardinality(String) COMMENT 'What it names: trace | run | key',
    subject String COMMENT 'Trace id, run id or external key',
    occurred_at DateTime64(9, 'UTC') COMMENT 'When it happened',
    recorded_at DateTime64(9, 'UTC') COMMENT 'When it was said: of the tellings of a record the last one said counts'
)
ENGINE = ReplacingMergeTree
ORDER BY (workspace, kind, record_id, trace_id, span_id, recorded_at, occurred_at)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1;
