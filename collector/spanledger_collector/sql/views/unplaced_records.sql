-- unplaced_records: records that are in no run, so in no sum: they name a run, trace or key that no run has, or nothing at all. Those of
-- runs that are still to come, or that are not settled yet (some seconds), are among them.
-- grain: (workspace, kind, record_id), as the telling that was said last says it. units: amount in currency; quantity in its unit, of
-- effort in minutes.
-- columns:
--   tellings        how often it was told; above 1 = amended
--   waits_since     when the ledger first heard of it
--   subject_kind    what it names: trace | run | key; none = nothing, and no run is around it
--   subject         that trace id, run id or external key; empty = none
--   told_in         trace in which it was told
--   told_by         span that tells it
-- How: a record that counts has a row of run_records of the settlement that wrote its run (the same version). Tellings that none has are
-- few: those that count nowhere, and those that were amended. Only their records are looked at closely. Keys are compared by their
-- hashes, of which a million records need 40 MB; GLOBAL, because on a cluster a record and its run may be on different shards.
CREATE OR REPLACE VIEW unplaced_records AS
WITH
    placed AS
    (
        SELECT sipHash64(workspace, kind, record_id, told_by)
        FROM run_records
        WHERE sipHash64(workspace, trace_id, run_id, version) IN
        (
            SELECT sipHash64(workspace, trace_id, run_id, version)
            FROM runs FINAL
            WHERE records > 0
        )
    )
SELECT
    workspace,
    kind,
    record_id,
    tellings,
    waits_since,
    if(told.1 = 'trace' AND told.2 = told.4, 'none', told.1) AS subject_kind,
    if(subject_kind = 'none', '', told.2) AS subject,
    told.3 AS subject_span_id,
    told.4 AS told_in,
    told.5 AS told_by,
    told.6 AS tenant,
    told.7 AS occurred_at,
    told.8 AS recorded_at,
    told.9 AS name,
    told.10 AS verdict,
    told.11 AS amount,
    told.12 AS currency,
    told.13 AS quantity,
    told.14 AS reason,
    told.15 AS service_name
FROM
(
    SELECT
        workspace,
        kind,
        record_id,
        toUInt32(uniqExact(r.trace_id, r.span_id)) AS tellings,
        min(r.received_at) AS waits_since,
        argMax(
            (toString(r.subject_kind), r.subject, if(r.subject_span_id = r.span_id, '', r.subject_span_id), r.trace_id, r.span_id, r.tenant,
            r.occurred_at, r.recorded_at, r.name, toString(r.verdict), r.amount, toString(r.currency), r.quantity, r.reason,
            toString(r.service_name)),
            (r.recorded_at, r.occurred_at, r.span_id, r.trace_id)
        ) AS told
    FROM records AS r
    WHERE sipHash64(workspace, kind, record_id) GLOBAL IN
    (
        SELECT sipHash64(workspace, kind, record_id)
        FROM records
        WHERE sipHash64(workspace, kind, record_id, span_id) GLOBAL NOT IN (SELECT * FROM placed)
    )
    GROUP BY
        workspace,
        kind,
        record_id
) AS newest
WHERE sipHash64(workspace, kind, record_id, told.5) GLOBAL NOT IN (SELECT * FROM placed);
