-- takings_posted: how many rows a settlement has posted into asset_takings.
-- grain: one row. parameters: version = the settlement.
SELECT count() AS takings
FROM asset_takings
WHERE version = {version:UInt64}
