-- posting_turns: which collector may post charges and takings now, where several share a server; see settle/turns.py.
-- grain: one row, that of the newest step (earlier ones until parts are merged). A step is taken by whoever inserts it first: later
--   ones carry the same deduplication token and are dropped.
CREATE TABLE IF NOT EXISTS posting_turns
(
    what LowCardinality(String) COMMENT 'What is done in turns: posting',
    step UInt64 COMMENT 'Even: taken; odd: the one before was given back',
    holder String COMMENT 'Who took it',
    until DateTime64(3, 'UTC') COMMENT 'When it is free again though it was not given back'
)
ENGINE = ReplacingMergeTree(step)
ORDER BY what
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1;
