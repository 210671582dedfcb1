-- asset_entries: the books of assets, entry by entry: what was booked, asked and granted. An entry that is told twice stands once.
-- parameters: workspace; asset_id (empty = any).
-- grain: one row an entry, in the order they entered the books. units: amounts in currency; USD; units of the plan.
-- columns: asset_id, entry (cost | plan | write_off | transfer | received), entry_id (its name), amount (as told; NULL = all that is left,
--   or none), currency, to_asset_id, expected_units, reason, occurred_at, received_at, taken_usd (what a write-off, transfer or credit
--   got of what it asked; NULL = nothing, or it asked nothing), capital_usd (what it brought to the capital of its asset, less than 0 what it
--   took: all entries of an asset sum to its capital; NULL = nothing, or in a currency without a rate).
WITH
    @include arithmetic/asset_entries
    takings AS
    (
        SELECT
            asset_id,
            to_asset_id,
            entry,
            entry_id,
            sum(amount_usd) AS usd
        FROM asset_takings FINAL
        WHERE workspace = {workspace:String}
        GROUP BY
            asset_id,
            to_asset_id,
            entry,
            entry_id
    )
SELECT
    e.asset_id AS asset_id,
    e.entry AS entry,
    e.entry_id AS entry_id,
    e.told_amount AS amount,
    e.currency AS currency,
    e.to_asset_id AS to_asset_id,
    e.expected_units AS expected_units,
    e.reason AS reason,
    e.occurred_at AS occurred_at,
    e.received_at AS received_at,
    t.usd AS taken_usd,
    multiIf(
        t.usd IS NOT NULL, -t.usd,
        e.entry = 'received', brought.usd,
        e.entry = 'cost' AND e.amount > 0, e.amount,
        NULL
    ) AS capital_usd
FROM entries AS e
LEFT ANY JOIN
(
    SELECT
        asset_id,
        entry,
        entry_id,
        toNullable(sum(g.usd)) AS usd
    FROM takings AS g
    GROUP BY
        asset_id,
        entry,
        entry_id
) AS t ON t.asset_id = e.asset_id AND t.entry = e.entry AND t.entry_id = e.entry_id
LEFT ANY JOIN
(
    SELECT
        to_asset_id,
        entry_id,
        toNullable(sum(g.usd)) AS usd
    FROM takings AS g
    WHERE entry = 'transfer'
    GROUP BY
        to_asset_id,
        entry_id
) AS brought ON brought.to_asset_id = e.asset_id AND brought.entry_id = e.entry_id
WHERE e.workspace = {workspace:String}
    AND ({asset_id:String} = '' OR e.asset_id = {asset_id:String})
ORDER BY
    e.received_at,
    e.recorded_at,
    e.span_id;
