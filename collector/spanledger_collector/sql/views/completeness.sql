-- completeness: whether what was loaded is still there, by day: rows that somebody deleted leave their traces elsewhere.
-- grain: (workspace, day of the start), trace by trace inside. units: spans.
-- A trace that was settled has as many spans as it was settled with, one that only arrived has some.
-- columns:
--   loaded_spans    that arrived, copies included
--   settled_spans   that settlements found
--   stored_spans    that are there now, each once
--   missing_spans   that were there and are not, at least
CREATE OR REPLACE VIEW completeness AS
SELECT
    traces.workspace AS workspace,
    traces.day AS day,
    sum(traces.loaded) AS loaded_spans,
    sum(traces.settled) AS settled_spans,
    sum(traces.stored) AS stored_spans,
    sum(multiIf(
        traces.stored >= greatest(traces.settled, toUInt64(traces.loaded > 0)), toUInt64(0),
        traces.settled > 0, toUInt64(traces.settled - traces.stored),
        traces.loaded
    )) AS missing_spans
FROM
(
    SELECT
        workspace,
        day,
        trace,
        sum(loaded) AS loaded,
        sum(settled) AS settled,
        sum(stored) AS stored
    FROM
    (
        SELECT workspace, day, sipHash64(trace_id) AS trace, spans AS loaded, toUInt64(0) AS settled, toUInt64(0) AS stored
        FROM arrivals FINAL
        UNION ALL
        SELECT workspace, day, sipHash64(trace_id) AS trace, toUInt64(0) AS loaded, toUInt64(1) AS settled, toUInt64(0) AS stored
        FROM span_runs FINAL
        UNION ALL
        SELECT workspace, toDate(started_at) AS day, sipHash64(trace_id) AS trace, toUInt64(0) AS loaded, toUInt64(0) AS settled, toUInt64(1) AS stored
        FROM spans FINAL
    )
    GROUP BY
        workspace,
        day,
        trace
) AS traces
GROUP BY
    workspace,
    day;
