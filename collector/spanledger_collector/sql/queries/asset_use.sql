-- asset_use: units of an asset that were charged, by day: how much it is used.
-- parameters: workspace; asset_id (empty = of all, which adds units of any kind).
-- grain: one row a UTC day with units, the first one first. units: units of the plan.
-- columns: day (of posting: seconds after the run arrived), units.
SELECT
    toDate(posted_at, 'UTC') AS day,
    sum(c.units) AS units
FROM amortization_charges AS c FINAL
WHERE workspace = {workspace:String}
    AND ({asset_id:String} = '' OR asset_id = {asset_id:String})
GROUP BY day
ORDER BY day;
