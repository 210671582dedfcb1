-- record_tellings_made: takes over the records that were told before. Repeated it adds nothing.
INSERT INTO record_tellings (workspace, kind, record_id, trace_id, span_id, subject_kind, subject, occurred_at, recorded_at)
SELECT
    workspace,
    kind,
    record_id,
    trace_id,
    span_id,
    subject_kind,
    subject,
    occurred_at,
    recorded_at
FROM records
WHERE subject_kind != 'trace' OR subject != trace_id;
