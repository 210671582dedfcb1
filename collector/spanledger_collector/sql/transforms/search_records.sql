-- search_records: looks for the runs of records, and notes which have none, and which have one since.
-- grain: one row a record that has no run, or had none when it was looked for last; into stray_records.
-- parameters: version = this look; the records are in sought_records.
-- A record has a run where its newest telling names a trace, or a key of a trace, whose settlement found it (run_records), did not move it,
-- and wrote that run (the same version). All is read by keys: of a large ledger only these records and the traces that they name.
-- Two collectors: who looks writes first and looks again then, so that a run written between is seen by one of the two looks, or its
-- settlement sees the stray.
INSERT INTO stray_records
    (workspace, kind, record_id, told_apart, tellings, waits_since, subject_kind, subject, subject_span_id, told_in, told_by, tenant, occurred_at,
    recorded_at, name, verdict, amount, currency, quantity, reason, service_name, version, is_deleted)
WITH
    named AS
    (
        SELECT workspace, kind, record_id, told_apart
        FROM sought_records
        WHERE version = {version:UInt64}
    ),
    key_traces AS
    (
        SELECT DISTINCT
            workspace,
            kind AS key_kind,
            key,
            trace_id
        FROM run_keys
        WHERE (workspace, kind, key) IN (
            SELECT workspace, subject_kind, subject FROM record_tellings WHERE (workspace, kind, record_id) IN (SELECT workspace, kind, record_id FROM named)
        )
    ),
    -- Every trace that these records may be in.
    places AS
    (
        SELECT workspace, told_apart AS trace_id
        FROM named
        WHERE told_apart != ''
        UNION DISTINCT
        SELECT workspace, subject AS trace_id
        FROM record_tellings
        WHERE (workspace, kind, record_id) IN (SELECT workspace, kind, record_id FROM named) AND subject_kind = 'trace'
        UNION DISTINCT
        SELECT workspace, trace_id
        FROM key_traces
    )
SELECT
    workspace,
    kind,
    record_id,
    told_apart,
    tellings,
    waits_since,
    if(newest.1 = 'trace' AND newest.2 = newest.4, 'none', newest.1),
    if(newest.1 = 'trace' AND newest.2 = newest.4, '', newest.2),
    newest.3,
    newest.4,
    newest.5,
    newest.6,
    newest.7,
    newest.8,
    newest.9,
    newest.10,
    newest.11,
    newest.12,
    newest.13,
    newest.14,
    newest.15,
    greatest({version:UInt64}, last_version + 1),
    has_run
FROM
(
    SELECT
        t.workspace AS workspace,
        t.kind AS kind,
        t.record_id AS record_id,
        t.told_apart AS told_apart,
        any(t.tellings) AS tellings,
        any(t.waits_since) AS waits_since,
        any(t.newest) AS newest,
        max(p.found) AS has_run
    FROM
    (
        SELECT
            f.workspace AS workspace,
            f.kind AS kind,
            f.record_id AS record_id,
            f.told_apart AS told_apart,
            f.tellings AS tellings,
            f.waits_since AS waits_since,
            f.newest AS newest,
            if(f.newest.1 = 'trace', f.newest.2, k.trace_id) AS place
        FROM
        (
            SELECT
                workspace,
                kind,
                record_id,
                told_apart,
                count() AS tellings,
                min(received_at) AS waits_since,
                argMax(
                    (toString(subject_kind), subject, if(subject_span_id = span_id, '', subject_span_id), trace_id, span_id, tenant, occurred_at,
                    recorded_at, name, toString(verdict), amount, toString(currency), quantity, reason, toString(service_name)),
                    (recorded_at, occurred_at, span_id, trace_id)
                ) AS newest
            FROM
            (
                -- A telling that comes again is as old as its first copy.
                SELECT
                    *,
                    if(subject_kind = 'trace' AND subject = trace_id, trace_id, '') AS told_apart
                FROM records
                WHERE (workspace, subject_kind, subject, kind, record_id) IN (
                    SELECT workspace, 'trace', told_apart, kind, record_id
                    FROM named
                    WHERE told_apart != ''
                    UNION ALL
                    SELECT workspace, toString(subject_kind), subject, kind, record_id
                    FROM record_tellings
                    WHERE (workspace, kind, record_id) IN (SELECT workspace, kind, record_id FROM named WHERE told_apart = '')
                )
                    AND (workspace, kind, record_id, told_apart) IN (SELECT workspace, kind, record_id, told_apart FROM named)
                ORDER BY received_at, sequence
                LIMIT 1 BY workspace, kind, record_id, trace_id, span_id
            )
            GROUP BY
                workspace,
                kind,
                record_id,
                told_apart
        ) AS f
        LEFT JOIN key_traces AS k ON k.workspace = f.workspace AND k.key_kind = f.newest.1 AND k.key = f.newest.2
    ) AS t
    LEFT ANY JOIN
    (
        SELECT
            workspace,
            trace_id,
            kind,
            record_id,
            toUInt8(1) AS found
        FROM run_records FINAL
        WHERE (workspace, trace_id) IN (SELECT workspace, trace_id FROM places)
            AND NOT is_moved
            AND (workspace, trace_id, run_id, version) IN (
                SELECT workspace, trace_id, run_id, version
                FROM runs FINAL
                WHERE (workspace, trace_id) IN (SELECT workspace, trace_id FROM places)
            )
    ) AS p ON p.workspace = t.workspace AND p.trace_id = t.place AND p.kind = t.kind AND p.record_id = t.record_id
    GROUP BY
        workspace,
        kind,
        record_id,
        told_apart
) AS looked
LEFT ANY JOIN
(
    SELECT
        workspace,
        kind,
        record_id,
        told_apart,
        max(version) AS last_version,
        argMax(is_deleted, version) = 0 AS was_stray
    FROM stray_records
    WHERE (workspace, kind, record_id) IN (SELECT workspace, kind, record_id FROM named)
    GROUP BY
        workspace,
        kind,
        record_id,
        told_apart
) AS before USING (workspace, kind, record_id, told_apart)
WHERE NOT has_run OR was_stray
