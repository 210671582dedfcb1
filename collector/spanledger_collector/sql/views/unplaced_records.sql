-- unplaced_records: records that are in no run, so in no sum: they name a run, trace or key that no run has, or nothing at all. Those of
-- runs that are still to come are among them. The settler looks for the run of a record when what arrived with it is settled (some seconds).
-- grain: (workspace, kind, record_id), as the telling that was said last says it; of records that are told within the trace that they are
-- about: the same and told_in. units: amount in currency; quantity in its unit, of effort in minutes.
-- columns:
--   tellings        how often it was told; above 1 = amended
--   waits_since     when the ledger first heard of it
--   subject_kind    what it names: trace | run | key; none = nothing, and no run is around it
--   subject         that trace id, run id or external key; empty = none
--   told_in         trace in which it was told
--   told_by         span that tells it
CREATE OR REPLACE VIEW unplaced_records AS
SELECT
    workspace,
    kind,
    record_id,
    tellings,
    waits_since,
    subject_kind,
    subject,
    subject_span_id,
    told_in,
    told_by,
    tenant,
    occurred_at,
    recorded_at,
    name,
    verdict,
    amount,
    currency,
    quantity,
    reason,
    service_name
FROM stray_records FINAL;
