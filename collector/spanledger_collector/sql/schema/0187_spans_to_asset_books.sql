-- spans_to_asset_books: takes the entries about assets out of every inserted block of spans, with when they were said.
-- grain: one row an entry; a transfer is two, one on each asset.
CREATE MATERIALIZED VIEW IF NOT EXISTS spans_to_asset_books TO asset_entries AS
SELECT
    workspace,
    told.1 AS asset_id,
    told.2 AS entry,
    if(attributes['spanledger.record.id'] != '', attributes['spanledger.record.id'], span_id) AS entry_id,
    attributes['spanledger.asset.kind'] AS kind,
    toDecimal128OrNull(attributes['spanledger.asset.amount'], 12) AS amount,
    if(attributes['spanledger.asset.currency'] = '', 'USD', upper(attributes['spanledger.asset.currency'])) AS currency,
    attributes['spanledger.asset.method'] AS method,
    attributes['spanledger.asset.unit'] AS unit,
    toDecimal128OrNull(attributes['spanledger.asset.expected_units'], 6) AS expected_units,
    toDecimal128OrNull(attributes['spanledger.asset.expected_units.low'], 6) AS expected_units_low,
    toDecimal128OrNull(attributes['spanledger.asset.expected_units.high'], 6) AS expected_units_high,
    toDecimal128OrNull(attributes['spanledger.asset.life_days'], 6) AS life_days,
    toDecimal128OrNull(attributes['spanledger.asset.salvage'], 12) AS salvage,
    attributes['spanledger.asset.agent.name'] AS agent_name,
    attributes['spanledger.asset.agent.version'] AS agent_version,
    attributes['spanledger.asset.to'] AS to_asset_id,
    attributes['spanledger.asset.measured'] = 'true' AS measured,
    attributes['spanledger.record.reason'] AS reason,
    started_at AS occurred_at,
    received_at,
    ifNull(parseDateTime64BestEffortOrNull(attributes['spanledger.record.recorded_at'], 9, 'UTC'), ended_at) AS recorded_at,
    span_id,
    trace_id
FROM
(
    SELECT
        *,
        attributes['spanledger.asset.entry'] AS entry_told,
        arrayJoin(if(
            entry_told = 'transfer',
            [(attributes['spanledger.asset.id'], 'transfer'), (attributes['spanledger.asset.to'], 'received')],
            [(attributes['spanledger.asset.id'], entry_told)]
        )) AS told
    FROM spans
    WHERE role = 'record' AND mapContains(attributes, 'spanledger.asset.id')
)
WHERE told.1 != '' AND told.2 IN ('cost', 'plan', 'write_off', 'transfer', 'received')
