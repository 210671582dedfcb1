-- seek_settled: names for search_records what a settlement may have given a run, or taken it from: of the traces' records those
-- that were in no run, that it did not find again, and whose run is gone. Mostly none.
-- grain: one row a record, twice: as told from elsewhere and as told within the trace; into sought_records. parameters: version = the settlement.
INSERT INTO sought_records (version, workspace, kind, record_id, told_apart)
SELECT
    {version:UInt64},
    workspace,
    kind,
    record_id,
    arrayJoin(['', trace_id]) AS told_apart
FROM run_records FINAL
WHERE (workspace, trace_id) IN (SELECT workspace, trace_id FROM settling WHERE version = {version:UInt64})
    AND (
        version != {version:UInt64}
        OR (workspace, trace_id, run_id) NOT IN (
            SELECT workspace, trace_id, run_id
            FROM runs
            WHERE (workspace, trace_id) IN (SELECT workspace, trace_id FROM settling WHERE version = {version:UInt64})
                AND version = {version:UInt64} AND NOT is_deleted
        )
        OR (workspace, kind, record_id) IN (
            SELECT workspace, kind, record_id
            FROM stray_records FINAL
            WHERE (workspace, kind, record_id) IN (
                SELECT workspace, kind, record_id
                FROM run_records
                WHERE (workspace, trace_id) IN (SELECT workspace, trace_id FROM settling WHERE version = {version:UInt64})
                    AND version = {version:UInt64}
            )
        )
    )
