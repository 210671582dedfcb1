-- late_rates: traces to settle again because a currency has a rate now that it had not when they were settled.
-- grain: one row a trace; none where no rates of currencies are told. units: none.
-- 1. What was recorded of them in a currency without a rate for its day, which has one now: revenue, values, expenses.
-- 2. Runs that wait to be charged of an asset whose costs were in one (asset_waits), and that were not settled since.
SELECT workspace, trace_id
FROM run_records FINAL
WHERE (workspace, trace_id) IN (
        -- Without FINAL, which is for these few alone: a start is not to read all records with it.
        SELECT workspace, trace_id
        FROM run_records
        WHERE amount IS NOT NULL AND amount_usd IS NULL AND currency IN (SELECT currency FROM fx)
    )
    AND amount IS NOT NULL AND amount_usd IS NULL AND NOT is_moved
    AND arrayExists(
        x -> x.1 = currency AND x.2 <= toDateTime64(occurred_at, 3) AND x.3 > toDateTime64(occurred_at, 3),
        (SELECT groupArray((toString(f.currency), f.valid_from, f.valid_to)) FROM fx AS f FINAL)
    )
UNION DISTINCT
SELECT w.workspace AS workspace, w.trace_id AS trace_id
FROM
(
    SELECT workspace, trace_id, version
    FROM asset_waits FINAL
    WHERE (workspace, asset_id) NOT IN (SELECT workspace, asset_id FROM amortization WHERE state = 'waiting_for_rate')
) AS w
INNER JOIN
(
    SELECT workspace, trace_id, max(version) AS version
    FROM runs
    WHERE (workspace, trace_id) IN (SELECT workspace, trace_id FROM asset_waits)
    GROUP BY workspace, trace_id
) AS r ON r.workspace = w.workspace AND r.trace_id = w.trace_id
WHERE r.version <= w.version
