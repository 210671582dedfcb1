-- arrived_traces: what arrived in one journal since a record: the settler's list of work.
-- grain: one row a (record, trace), oldest record first; a record is never cut by the limit.
-- parameters: journal_id; from_sequence (inclusive); limit. units: spans = of this trace in the record.
-- What an application says of another trace than the one it says it in (records) lets that trace be settled again, and so what named
-- somebody else by the same name of a record before, which it moves: of many such the ten that were said last, for one of them counted.
-- A run id or external key that no trace has yet is looked up when its trace is settled.
WITH
    said AS
    (
        SELECT workspace, subject_kind, subject, kind, record_id, sequence
        FROM records
        WHERE journal_id = {journal_id:String} AND sequence >= {from_sequence:UInt64}
            AND (subject_kind != 'trace' OR subject != trace_id)
    ),
    told AS
    (
        SELECT workspace, subject_kind, subject, sequence
        FROM said
        UNION DISTINCT
        SELECT workspace, o.subject_kind AS subject_kind, o.subject AS subject, sequence
        FROM said
        INNER JOIN
        (
            SELECT workspace, kind, record_id, subject_kind, subject
            FROM record_tellings
            WHERE (workspace, kind, record_id) IN (SELECT workspace, kind, record_id FROM said)
            GROUP BY workspace, kind, record_id, subject_kind, subject
            ORDER BY max((recorded_at, occurred_at, span_id, trace_id)) DESC
            LIMIT 10 BY workspace, kind, record_id
        ) AS o USING (workspace, kind, record_id)
    )
SELECT
    sequence,
    workspace,
    trace_id,
    sum(spans) AS span_count
FROM
(
    SELECT sequence, workspace, trace_id, spans
    FROM arrivals
    WHERE journal_id = {journal_id:String} AND sequence >= {from_sequence:UInt64}
    UNION ALL
    SELECT sequence, workspace, subject AS trace_id, toUInt64(0) AS spans
    FROM told
    WHERE subject_kind = 'trace'
    UNION ALL
    SELECT t.sequence AS sequence, t.workspace AS workspace, k.trace_id AS trace_id, toUInt64(0) AS spans
    FROM told AS t
    INNER JOIN
    (
        SELECT workspace, kind, key, argMin(trace_id, (received_at, trace_id)) AS trace_id
        FROM run_keys
        WHERE (workspace, kind, key) IN (SELECT workspace, subject_kind, subject FROM told)
        GROUP BY workspace, kind, key
    ) AS k ON k.workspace = t.workspace AND k.kind = t.subject_kind AND k.key = t.subject
)
GROUP BY
    sequence,
    workspace,
    trace_id
ORDER BY sequence
LIMIT {limit:UInt32} WITH TIES
