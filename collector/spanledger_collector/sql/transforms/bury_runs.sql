-- bury_runs: marks runs of the given traces deleted that their newest settlement did not write (a late parent took their spans).
-- The newest is this one, unless another collector settled the same trace meanwhile: then this one's own go as well.
-- grain: one tombstone a vanished run, into runs. parameters: version = the settlement; its traces are in settling.
INSERT INTO runs
SELECT * EXCEPT newest REPLACE (newest AS version, 1 AS is_deleted)
FROM
(
    SELECT
        *,
        greatest(max(version) OVER (PARTITION BY workspace, trace_id), {version:UInt64}) AS newest
    FROM runs FINAL
    WHERE (workspace, trace_id) IN (SELECT workspace, trace_id FROM settling WHERE version = {version:UInt64})
    QUALIFY version < newest
)
