-- record_searches: how far the runs of each journal's records were looked for (stray_records). Losing it only means looking again; a
--   ledger of an older version has no row, so that all its records are looked for once.
-- grain: one row a journal, the highest sequence wins (read with FINAL).
CREATE TABLE IF NOT EXISTS record_searches
(
    journal_id String COMMENT 'Journal that acknowledged the records',
    next_sequence UInt64 COMMENT 'The run of every record below this was looked for'
)
ENGINE = ReplacingMergeTree(next_sequence)
ORDER BY journal_id
SETTINGS fsync_after_insert = 1;
