-- settlements: how far each journal's arrivals have been settled. Losing it only means settling again.
-- grain: one row a journal, newest version wins (read with FINAL).
CREATE TABLE IF NOT EXISTS settlements
(
    journal_id String COMMENT 'Journal whose arrivals are followed',
    next_sequence UInt64 COMMENT 'Every trace touched by a record below this is settled',
    version UInt64 COMMENT 'Highest settlement version given out'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY journal_id
SETTINGS fsync_after_insert = 1;
