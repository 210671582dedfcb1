-- lost_results: traces that were settled more than a minute ago and whose runs or attempts are not there: somebody emptied or restored tables.
-- `spanledger settle` writes them again. What span_runs and call_verdicts have of a trace is held against runs and attempts.
-- grain: (workspace, day of the first span of the trace). units: counts.
-- columns:
--   traces   that lack something
--   runs     that are not there, at least
--   calls    whose attempts are not there
CREATE OR REPLACE VIEW lost_results AS
SELECT
    results.workspace AS workspace,
    results.day AS day,
    count() AS traces,
    sum(results.lost_runs) AS runs,
    sum(results.lost_calls) AS calls
FROM
(
    SELECT
        workspace,
        trace,
        min(first_day) AS day,
        toUInt64(greatest(sum(written_runs) - sum(kept_runs), 0)) AS lost_runs,
        toUInt64(greatest(sum(written_calls) - sum(kept_calls), 0)) AS lost_calls
    FROM
    (
        SELECT workspace, sipHash64(trace_id) AS trace, min(day) AS first_day, max(version) AS settlement,
            toInt64(max(run_kind != 'trace' OR role IN ('agent', 'workflow', 'call', 'task', 'tool'))) AS written_runs,
            toInt64(0) AS kept_runs, toInt64(0) AS written_calls, toInt64(0) AS kept_calls
        FROM span_runs FINAL
        GROUP BY workspace, trace, sipHash64(run_id)
        UNION ALL
        SELECT workspace, sipHash64(trace_id) AS trace, toDate('2149-06-06') AS first_day, toUInt64(0) AS settlement,
            toInt64(0) AS written_runs, toInt64(1) AS kept_runs, toInt64(0) AS written_calls, toInt64(0) AS kept_calls
        FROM runs FINAL
        UNION ALL
        SELECT workspace, sipHash64(trace_id) AS trace, toDate('2149-06-06') AS first_day, toUInt64(0) AS settlement,
            toInt64(0) AS written_runs, toInt64(0) AS kept_runs, toInt64(1) AS written_calls, toInt64(0) AS kept_calls
        FROM call_verdicts FINAL
        UNION ALL
        SELECT workspace, sipHash64(trace_id) AS trace, toDate('2149-06-06') AS first_day, toUInt64(0) AS settlement,
            toInt64(0) AS written_runs, toInt64(0) AS kept_runs, toInt64(0) AS written_calls, toInt64(1) AS kept_calls
        FROM attempts FINAL
        WHERE attempt_number = 1 AND operation NOT IN ('execute_tool', 'effort', 'expense')
    )
    GROUP BY
        workspace,
        trace
    HAVING (lost_runs > 0 OR lost_calls > 0) AND max(settlement) BETWEEN 1 AND toUnixTimestamp64Nano(now64(9)) - 60000000000
) AS results
GROUP BY
    workspace,
    day;
