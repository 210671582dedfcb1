-- charge_intervals: how far charges of an asset are uncertain, because how many units will come was an estimate.
-- grain: one row a (workspace, asset_id, plan_id, basis_id): charges at one rate. units: shares of the charge. NULL = the plan does
--   not say this end.
-- columns:
--   low_factor           a charge times this is what it had been with the high end of the expected units
--   high_factor          the same with the low end; where more units came than that, with those that came: so no sum of highs at one
--                        rate exceeds what there was to charge at it
-- Read as known now: what is still to come may take the high end down, the charge itself is never rewritten.
CREATE OR REPLACE VIEW charge_intervals AS
SELECT
    workspace,
    asset_id,
    plan_id,
    basis_id,
    if(high > before, toDecimal128(expected / greatest(high - before, expected), 18), NULL) AS low_factor,
    if(low IS NULL, NULL, toDecimal128(expected / greatest(least(low - before, expected), least(units, expected)), 18)) AS high_factor
FROM
(
    SELECT
        b.workspace AS workspace,
        b.asset_id AS asset_id,
        b.plan_id AS plan_id,
        b.basis_id AS basis_id,
        -- Per time: of the units of the plan's days those that were to come when the newest entry of then came.
        if(
            p.is_per_time AND e.name != '',
            greatest(1 - dateDiff('millisecond', p.arrived.1, e.arrived.1) / (least(toFloat64(p.life_days), 36500) * 86400000), 0),
            1
        ) AS left_share,
        toFloat64(p.expected_units_low) * left_share AS low,
        toFloat64(p.expected_units_high) * left_share AS high,
        toFloat64(b.units) AS units,
        -- Units of the same plan that came under earlier books (per time: since the same newest entry): those of smaller number. Charges
        -- of old have the name of an entry alone.
        toFloat64(
            sum(b.units) OVER (
                PARTITION BY b.workspace, b.asset_id, b.plan_id, if(p.is_per_time, b.newest, '')
                ORDER BY b.number, e.arrived, b.basis_id
                ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
            ) - b.units
        ) AS before,
        toFloat64(p.expected_units) * left_share - before AS expected
    FROM
    (
        SELECT
            workspace,
            asset_id,
            plan_id,
            basis_id,
            toUInt64OrZero(extract(basis_id, '^(\\d+)d? (?:cost|plan|write_off|transfer|received) ')) AS number,
            if(number > 0, replaceRegexpOne(basis_id, '^\\d+d? ', ''), basis_id) AS newest,
            sum(units) AS units
        FROM asset_balances
        GROUP BY workspace, asset_id, plan_id, basis_id
    ) AS b
    INNER JOIN
    (
        SELECT
            workspace,
            asset_id,
            entry_id,
            expected_units,
            expected_units_low,
            expected_units_high,
            life_days,
            method = 'straight_line_per_time' AND ifNull(life_days, 0) > 0 AS is_per_time,
            (received_at, recorded_at, span_id) AS arrived
        FROM asset_entries FINAL
        WHERE entry = 'plan'
        ORDER BY received_at, recorded_at, span_id
        LIMIT 1 BY workspace, asset_id, entry_id
    ) AS p ON p.workspace = b.workspace AND p.asset_id = b.asset_id AND p.entry_id = b.plan_id
    LEFT JOIN
    (
        SELECT workspace, asset_id, name, min((received_at, recorded_at, span_id)) AS arrived
        FROM
        (
            SELECT workspace, asset_id, received_at, recorded_at, span_id, arrayJoin([entry_id, concat(entry, ' ', entry_id)]) AS name
            FROM asset_entries FINAL
        )
        GROUP BY workspace, asset_id, name
    ) AS e ON e.workspace = b.workspace AND e.asset_id = b.asset_id AND e.name = b.newest
)
WHERE expected > 0 AND units > 0
