-- records: every telling of the records about a run, a trace or an external key, amended ones included.
-- parameters: workspace; trace_id (32 hex digits, lower case), run_id, external_key: one of them, the others empty.
-- grain: one row a telling, in order of kind, record and when it was recorded. units: amount in currency; quantity in minutes; USD.
-- columns: kind, record_id (tellings of the same two amend each other), telling, tellings (number of this one by when it was recorded, and
--   how many there are), counts (1 = it counts for its run, the last one recorded; 0 also where no run of it is settled yet), run_id, run_trace_id
--   (the run it is about and that run's trace, once settled), subject_kind, subject (what it names: trace, run or key, and which),
--   subject_span_id (the span it is about; of a record told within the work itself: its own), occurred_at, received_at (when it
--   happened, since when the ledger knows it), name, verdict, amount, currency (as in the table records), amount_usd (of the
--   telling that counts), quantity, score, label, reason, service_name (as in the table records), span_id (the span that tells it)
WITH
    traces AS
    (
        SELECT {trace_id:String} AS trace_id
        WHERE {trace_id:String} != ''
        UNION DISTINCT
        SELECT trace_id
        FROM run_keys
        WHERE workspace = {workspace:String}
            AND (kind, key) IN [('run', {run_id:String}), ('key', {external_key:String})]
            AND key != ''
    ),
    subjects AS
    (
        SELECT 'trace' AS kind, trace_id AS subject
        FROM traces
        UNION ALL
        SELECT 'run', {run_id:String}
        UNION ALL
        SELECT 'key', {external_key:String}
        UNION ALL
        SELECT
            about.1,
            about.2
        FROM
        (
            SELECT arrayJoin([('run', run_id), ('key', external_key)]) AS about
            FROM runs FINAL
            WHERE workspace = {workspace:String} AND trace_id IN (SELECT trace_id FROM traces)
        )
    )
SELECT
    kind,
    record_id,
    row_number() OVER (PARTITION BY kind, record_id ORDER BY recorded_at, occurred_at, span_id) AS telling,
    count() OVER (PARTITION BY kind, record_id) AS tellings,
    toUInt8(placed.told_by = span_id) AS counts,
    placed.run_id AS run_id,
    placed.trace_id AS run_trace_id,
    subject_kind,
    subject,
    subject_span_id,
    occurred_at,
    received_at,
    name,
    verdict,
    amount,
    currency,
    if(counts, placed.amount_usd, NULL) AS amount_usd,
    quantity,
    score,
    label,
    reason,
    service_name,
    span_id
FROM
(
    SELECT *
    FROM records FINAL
    WHERE workspace = {workspace:String}
        AND (subject_kind, subject) IN (SELECT kind, subject FROM subjects)
        AND subject != ''
    ORDER BY received_at, sequence
    LIMIT 1 BY kind, record_id, trace_id, span_id
) AS told
LEFT JOIN
(
    SELECT
        kind AS placed_kind,
        record_id AS placed_record_id,
        argMax((run_id, trace_id, told_by, amount_usd), version)::Tuple(
            run_id String, trace_id String, told_by String, amount_usd Nullable(Decimal(38, 12))
        ) AS placed
    FROM run_records FINAL
    WHERE workspace = {workspace:String} AND trace_id IN (SELECT trace_id FROM traces) AND NOT is_moved
    GROUP BY kind, record_id
) AS found ON found.placed_kind = told.kind AND found.placed_record_id = told.record_id
WHERE {trace_id:String} != ''
    OR subject_kind = 'run' AND subject = {run_id:String}
    OR subject_kind = 'key' AND subject = {external_key:String}
    OR placed.run_id IN
    (
        SELECT run_id
        FROM runs FINAL
        WHERE workspace = {workspace:String}
            AND trace_id IN (SELECT trace_id FROM traces)
            AND ({run_id:String} = run_id OR {external_key:String} != '' AND external_key = {external_key:String})
    )
ORDER BY
    kind,
    record_id,
    telling;
