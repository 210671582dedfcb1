-- seek_arrived: names the records of a part of a journal for search_records, but for those that a settlement found.
-- grain: one row a record, into sought_records. parameters: version = the look; journal_id; from_sequence (inclusive), until_sequence
--   (exclusive); earliest_ns, latest_ns = when the first and the last of them were received, since 1970.
-- Without FINAL: what a settlement found and a later one did not, that one names itself (seek_settled). Who looks for what was settled by
-- an older version, which did not, sets `final`. Hashes, for of most parts every record is found.
INSERT INTO sought_records (version, workspace, kind, record_id, told_apart)
SELECT DISTINCT
    {version:UInt64},
    workspace,
    kind,
    record_id,
    if(subject_kind = 'trace' AND subject = trace_id, trace_id, '') AS told_apart
FROM records
WHERE journal_id = {journal_id:String} AND sequence >= {from_sequence:UInt64} AND sequence < {until_sequence:UInt64}
    AND sipHash64(workspace, kind, record_id, span_id) NOT IN (
        SELECT sipHash64(workspace, kind, record_id, told_by)
        FROM run_records
        WHERE received_at >= fromUnixTimestamp64Nano({earliest_ns:Int64}, 'UTC')
            AND received_at <= fromUnixTimestamp64Nano({latest_ns:Int64}, 'UTC')
            AND NOT is_moved
            AND (workspace, trace_id, run_id, version) IN (
                SELECT workspace, trace_id, run_id, version
                FROM runs
                WHERE records > 0 AND NOT is_deleted
                    AND version IN (
                        SELECT version
                        FROM run_records
                        WHERE received_at >= fromUnixTimestamp64Nano({earliest_ns:Int64}, 'UTC')
                            AND received_at <= fromUnixTimestamp64Nano({latest_ns:Int64}, 'UTC')
                    )
            )
    )
