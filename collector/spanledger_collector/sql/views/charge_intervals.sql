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
    if(high > before, toDecimal128(expected / greatest(toFloat64(high - before), expected), 18), NULL) AS low_factor,
    if(low IS NULL, NULL, toDecimal128(expected / greatest(least(toFloat64(low - before), expected), least(units, expected)), 18)) AS high_factor
FROM
(
    SELECT
        b.workspace AS workspace,
        b.asset_id AS asset_id,
        b.plan_id AS plan_id,
        b.basis_id AS basis_id,
        p.expected_units_low AS low,
        p.expected_units_high AS high,
        toFloat64(b.units) AS units,
        -- Units of the same plan that came under earlier books: those of smaller number. Charges of old have the name of an entry alone.
        sum(b.units) OVER (
            PARTITION BY b.workspace, b.asset_id, b.plan_id
            ORDER BY toUInt64OrZero(extract(b.basis_id, '^(\\d+) (?:cost|plan|write_off|transfer|received) ')), e.arrived
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) - b.units AS before,
        toFloat64(p.expected_units - before) AS expected
    FROM
    (
        SELECT workspace, asset_id, plan_id, basis_id, sum(units) AS units
        FROM asset_balances
        GROUP BY workspace, asset_id, plan_id, basis_id
    ) AS b
    INNER JOIN
    (
        SELECT workspace, asset_id, entry_id, expected_units, expected_units_low, expected_units_high
        FROM asset_entries FINAL
        WHERE entry = 'plan'
        ORDER BY received_at, recorded_at, span_id
        LIMIT 1 BY workspace, asset_id, entry_id
    ) AS p ON p.workspace = b.workspace AND p.asset_id = b.asset_id AND p.entry_id = b.plan_id
    LEFT JOIN
    (
        SELECT workspace, asset_id, entry_id, min((received_at, recorded_at, span_id)) AS arrived
        FROM asset_entries FINAL
        GROUP BY workspace, asset_id, entry_id
    ) AS e ON e.workspace = b.workspace AND e.asset_id = b.asset_id AND e.entry_id = b.basis_id
)
WHERE expected > 0 AND units > 0
