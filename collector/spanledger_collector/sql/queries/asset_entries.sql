-- asset_entries: the books of assets, entry by entry: what was booked, asked and granted. An entry that is told twice stands once.
-- parameters: workspace.
-- grain: one row an entry, in the order they entered the books. units: amounts in currency; USD; units of the plan.
-- columns: asset_id, entry (cost | plan | write_off | transfer | received), entry_id (its name), amount (as told; NULL = all that is left,
--   or none), currency, to_asset_id, expected_units, reason, occurred_at, received_at, taken_usd (what a write-off, transfer or credit
--   got of what it asked; NULL = nothing, or it asked nothing).
SELECT
    asset_id,
    entry,
    entry_id,
    amount,
    currency,
    to_asset_id,
    expected_units,
    reason,
    occurred_at,
    received_at,
    if(t.takings = 0, NULL, t.usd) AS taken_usd
FROM
(
    SELECT *
    FROM asset_entries FINAL
    WHERE workspace = {workspace:String}
    ORDER BY
        received_at,
        span_id
    LIMIT 1 BY asset_id, entry, entry_id
) AS e
LEFT ANY JOIN
(
    SELECT
        asset_id,
        entry,
        entry_id,
        count() AS takings,
        sum(amount_usd) AS usd
    FROM asset_takings FINAL
    WHERE workspace = {workspace:String}
    GROUP BY
        asset_id,
        entry,
        entry_id
) AS t USING (asset_id, entry, entry_id)
ORDER BY
    received_at,
    span_id;
