-- parked_traces: traces that are not settled for now, or cannot be, and why: settling goes on with the others behind them.
-- grain: one row a (journal, trace), newest version wins (read with FINAL). Losing it means that these wait until more of them arrives.
CREATE TABLE IF NOT EXISTS parked_traces
(
    journal_id String COMMENT 'Journal of the collector that settles it',
    workspace String COMMENT 'Whose ledger',
    trace_id String COMMENT '32 hex digits',
    state LowCardinality(String) COMMENT 'waits (it is tried again, also after a restart) | refused (for good, until more of it arrives)',
    reason String COMMENT 'What it failed of, or why it is settled once more',
    parked_at DateTime64(3, 'UTC') COMMENT 'Since when, as far as the newest reason goes',
    version UInt64 COMMENT 'Grows with each row of the journal',
    is_deleted UInt8 COMMENT '1 = settled since'
)
ENGINE = ReplacingMergeTree(version, is_deleted)
ORDER BY (journal_id, workspace, trace_id)
SETTINGS fsync_after_insert = 1;
