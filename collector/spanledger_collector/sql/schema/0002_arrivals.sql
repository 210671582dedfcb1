-- arrivals: which traces a journal record touched; the settler's list of work and the way from a trace id to its days.
-- grain: one row a (record, trace, day); safe to rebuild from spans.
CREATE TABLE IF NOT EXISTS arrivals
(
    workspace String COMMENT 'Whose ledger',
    trace_id String COMMENT '32 hex digits',
    day Date COMMENT 'Day of the spans: with trace_id, a primary-key read of spans',
    journal_id LowCardinality(String) COMMENT 'Journal',
    sequence UInt64 COMMENT 'Record number in that journal',
    spans UInt64 COMMENT 'Spans of this trace and day in the record',
    PROJECTION by_sequence (SELECT _part_offset ORDER BY journal_id, sequence)
)
ENGINE = ReplacingMergeTree
ORDER BY (workspace, trace_id, day, journal_id, sequence)
SETTINGS
    non_replicated_deduplication_window = 10000,
    fsync_after_insert = 1,
    deduplicate_merge_projection_mode = 'rebuild';
