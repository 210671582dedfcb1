-- unplaced_amounts: what the records that are in no run come to: amounts that are in no sum.
-- parameters: workspace; since, until (since when the ledger knows of them, until exclusive).
-- grain: (kind, currency). units: amount in currency, exact; minutes.
-- columns: kind, currency (empty = records without an amount), records, of_nothing (of them, such as name nothing and have no run around
--   them: no run is to come), amount (NULL = none), minutes (of effort; NULL = none), waits_since (of the one that waits longest), newest_since.
SELECT
    kind,
    currency,
    count() AS records,
    countIf(subject_kind = 'none') AS of_nothing,
    sum(u.amount) AS amount,
    sumIf(u.quantity, kind = 'effort') AS minutes,
    min(u.waits_since) AS waits_since,
    max(u.waits_since) AS newest_since
FROM unplaced_records AS u
WHERE workspace = {workspace:String}
    AND u.waits_since >= {since:DateTime64(9)}
    AND u.waits_since < {until:DateTime64(9)}
GROUP BY
    kind,
    currency
ORDER BY
    kind,
    currency;
