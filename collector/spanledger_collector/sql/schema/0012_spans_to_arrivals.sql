-- spans_to_arrivals: notes which traces and days each inserted journal record touched.
-- grain: one row a (record, trace, day), written by the same INSERT that writes the spans.
CREATE MATERIALIZED VIEW IF NOT EXISTS spans_to_arrivals TO arrivals AS
SELECT
    workspace,
    trace_id,
    toDate(started_at) AS day,
    journal_id,
    sequence,
    count() AS spans
FROM spans
GROUP BY workspace, trace_id, day, journal_id, sequence
