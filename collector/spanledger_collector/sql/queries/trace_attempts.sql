-- trace_attempts: every attempt of one trace, those that do not count included, with its price and why.
-- parameters: workspace; trace_id (32 hex digits, lower case).
-- grain: one row an attempt (span_id, attempt_number), in order of start. units: USD, tokens, nanoseconds, seconds.
-- columns: those of the table attempts without workspace, version and is_deleted.
SELECT * EXCEPT (workspace, version, is_deleted)
FROM attempts FINAL
WHERE workspace = {workspace:String} AND trace_id = {trace_id:String}
ORDER BY
    started_at,
    span_id,
    attempt_number,
    operation;
