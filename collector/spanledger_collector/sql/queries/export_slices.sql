-- export_slices: when there is something to export, so that it can be read in pieces of bounded size.
-- parameters: workspace; since, until (start, until exclusive); slice_seconds (length of a piece).
-- grain: one row a piece of time that holds attempts or runs, in order.
-- columns: slice_start, records (attempts and runs that start in it), unknown_cost_attempts (counted ones whose cost is unknown).
SELECT
    fromUnixTimestamp64Milli(toInt64(intDiv(toUnixTimestamp(started_at), {slice_seconds:UInt32})) * {slice_seconds:UInt32} * 1000, 'UTC') AS slice_start,
    count() AS records,
    countIf(is_unknown) AS unknown_cost_attempts
FROM
(
    SELECT started_at, counted AND cost_usd IS NULL AS is_unknown
    FROM attempts FINAL
    WHERE workspace = {workspace:String} AND started_at >= {since:DateTime64(9)} AND started_at < {until:DateTime64(9)}
    UNION ALL
    SELECT started_at, false AS is_unknown
    FROM runs FINAL
    WHERE workspace = {workspace:String} AND started_at >= {since:DateTime64(9)} AND started_at < {until:DateTime64(9)}
)
GROUP BY slice_start
ORDER BY slice_start;
