-- missing_spans: spans that were loaded and are not there any more, of every workspace, by day.
-- grain: one row a (workspace, day) with some. parameters: since (day, inclusive). units: spans.
SELECT
    workspace,
    day,
    missing_spans
FROM completeness
WHERE day >= {since:Date} AND missing_spans > 0
ORDER BY
    workspace,
    day
