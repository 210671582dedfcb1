-- asset_waits: traces with runs that are charged of an asset once its costs have a rate: they came when nothing could be charged, and
--   costs in another currency were booked. Settled again when the rate is known.
-- grain: one row a (workspace, trace_id, asset_id), newest version wins (read with FINAL). Some of these runs may not be due after all.
CREATE TABLE IF NOT EXISTS asset_waits
(
    workspace String COMMENT 'Whose ledger',
    trace_id String COMMENT 'Trace of the runs',
    asset_id String COMMENT 'The asset',
    version UInt64 COMMENT 'Settlement that found it waiting; a later one of the trace that did not write the row: it waits no more'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (workspace, trace_id, asset_id)
SETTINGS fsync_after_insert = 1;
