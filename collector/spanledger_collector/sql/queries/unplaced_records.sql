-- unplaced_records: records that are in no run, so in no sum, those that wait longest first.
-- parameters: workspace; since, until (since when the ledger knows of them, until exclusive); limit, offset.
-- grain: one row a record, as the telling that was said last says it. units: amount in currency; quantity in its unit, of effort in minutes.
-- columns: kind, record_id, tellings, waits_since, subject_kind, subject, subject_span_id, told_in, told_by, tenant, occurred_at, name,
--   verdict, amount, currency, quantity, reason, service_name (all as in the view unplaced_records).
SELECT
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
    name,
    verdict,
    amount,
    currency,
    quantity,
    reason,
    service_name
FROM unplaced_records
WHERE workspace = {workspace:String}
    AND waits_since >= {since:DateTime64(9)}
    AND waits_since < {until:DateTime64(9)}
ORDER BY
    waits_since,
    kind,
    record_id
LIMIT {limit:UInt32}
OFFSET {offset:UInt32};
