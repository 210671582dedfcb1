-- export_attempts: every attempt of a period, those that do not count included, oldest first, for export.
-- parameters: workspace; since, until (start of the call, until exclusive).
-- grain: one row an attempt. columns: those of the table attempts without version and is_deleted.
SELECT * EXCEPT (version, is_deleted)
FROM attempts FINAL
WHERE workspace = {workspace:String}
    AND started_at >= {since:DateTime64(9)}
    AND started_at < {until:DateTime64(9)}
ORDER BY
    started_at,
    trace_id,
    span_id,
    attempt_number,
    operation;
