-- records_to_record_tellings: notes whom each record names that is inserted.
-- grain: one row a telling. One whose subject is the trace in which it is told is of that trace alone.
CREATE MATERIALIZED VIEW IF NOT EXISTS records_to_record_tellings TO record_tellings AS
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
WHERE subject_kind != 'trace' OR subject != trace_id
