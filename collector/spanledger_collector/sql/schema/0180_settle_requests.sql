-- settle_requests: traces that are to be settled again, all of a period or one: asked for by `spanledger settle`, or by a schema file where
--   a version writes something else than the one before it. A collector works each off in the order of its traces, piece by piece.
-- grain: one row a request, newest version wins (read with FINAL). Losing it only means that nothing is settled again.
CREATE TABLE IF NOT EXISTS settle_requests
(
    request_id String COMMENT 'Names it',
    workspace String COMMENT 'Whose traces; empty = of every workspace',
    of_trace String COMMENT 'Only this trace; empty = all of the days',
    first_day Date COMMENT 'Of traces with spans from this day (UTC) on',
    last_day Date COMMENT 'And until this day, itself included',
    reason String COMMENT 'Who asked, or why',
    asked_at DateTime64(3, 'UTC') COMMENT 'When',
    traces UInt64 COMMENT 'How many there were then',
    settled UInt64 COMMENT 'How many of them are settled since',
    after_workspace String COMMENT 'The last that is: its workspace',
    after_trace String COMMENT 'And its id',
    holder String COMMENT 'Journal of the collector that is at it; empty = none is',
    held_until DateTime64(3, 'UTC') COMMENT 'Until then no other begins a piece of it',
    is_done Bool COMMENT 'All of them are settled',
    version UInt64 COMMENT 'Grows with each piece'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY request_id
SETTINGS fsync_after_insert = 1;
