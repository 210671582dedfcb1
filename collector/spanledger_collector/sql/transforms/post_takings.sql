-- post_takings: grants write-offs, transfers and credits what is left of their assets, before runs are charged.
-- grain: one row an entry that gets something (more), into asset_takings. Of all assets of the workspaces of this settlement.
-- parameters: version = the settlement. units: USD.
-- An entry gets at most what it asks, and what is left: of the costs that happened no later or arrived no later than the entry, and
--   of the transfers to the asset that happened before it, less all charges and all that was taken before. So an entry that overtakes its cost
--   is granted when that arrives, and one that asked too much takes nothing of what is booked afterwards. Several entries: in order
--   of arrival. What an asset is granted here another entry may take on in the next pass: the step is run until nothing is posted.
INSERT INTO asset_takings
    (workspace, asset_id, entry, entry_id, taken_before_usd, to_asset_id, is_rest, amount_usd, posted_at, version)
WITH
    @include arithmetic/asset_entries
    posted AS
    (
        SELECT workspace, asset_id, entry, entry_id, sum(amount_usd) AS usd
        FROM asset_takings FINAL
        GROUP BY workspace, asset_id, entry, entry_id
    ),
    funds AS
    (
        SELECT
            workspace,
            asset_id,
            groupArray((usd, occurred_at, received_at, is_received, span_id)) AS parts
        FROM
        (
            SELECT workspace, asset_id, assumeNotNull(amount) AS usd, occurred_at, received_at, false AS is_received, span_id
            FROM entries
            WHERE entry = 'cost' AND amount > 0
            UNION ALL
            SELECT e.workspace, e.to_asset_id, p.usd, e.occurred_at, e.received_at, true, e.span_id
            FROM entries AS e
            INNER JOIN posted AS p
                ON p.workspace = e.workspace AND p.asset_id = e.asset_id AND p.entry = e.entry AND p.entry_id = e.entry_id
            WHERE e.entry = 'transfer'
        )
        GROUP BY workspace, asset_id
    ),
    gone AS
    (
        SELECT workspace, asset_id, sum(usd) AS usd
        FROM
        (
            SELECT workspace, asset_id, sum(amount_usd) AS usd
            FROM asset_balances
            GROUP BY workspace, asset_id
            UNION ALL
            SELECT workspace, asset_id, sum(p.usd)
            FROM posted AS p
            GROUP BY workspace, asset_id
        )
        GROUP BY workspace, asset_id
    ),
    -- open = what the entry still asks; limitless where it takes the rest.
    asking AS
    (
        SELECT
            e.workspace AS workspace,
            e.asset_id AS asset_id,
            arraySort(
                t -> (t.received_at, t.occurred_at, t.span_id),
                groupArray((
                    e.entry, e.entry_id, p.usd, if(e.entry = 'transfer', e.to_asset_id, ''), e.told_amount IS NULL,
                    if(e.told_amount IS NULL, toDecimal128('100000000000000000000', 12), toDecimal128(abs(assumeNotNull(e.amount)), 12) - p.usd),
                    e.occurred_at, e.received_at, e.span_id
                ))::Array(Tuple(
                    entry String, entry_id String, before Decimal(38, 12), to_asset_id String, is_rest Bool, open Decimal(38, 12),
                    occurred_at DateTime64(9, 'UTC'), received_at DateTime64(9, 'UTC'), span_id String
                ))
            ) AS takes
        FROM entries AS e
        LEFT ANY JOIN posted AS p
            ON p.workspace = e.workspace AND p.asset_id = e.asset_id AND p.entry = e.entry AND p.entry_id = e.entry_id
        WHERE e.workspace IN (SELECT workspace FROM settling WHERE version = {version:UInt64})
            AND (
                (e.entry IN ('write_off', 'transfer') AND (e.told_amount IS NULL OR e.amount > 0))
                OR (e.entry = 'cost' AND e.amount < 0)
            )
        GROUP BY workspace, asset_id
    ),
    granted AS
    (
        SELECT
            a.workspace AS workspace,
            a.asset_id AS asset_id,
            a.takes AS takes,
            arrayMap(
                t -> toDecimal128(
                    arraySum(arrayMap(
                        part -> if(
                            if(
                                part.4,
                                (part.2, part.5) < (t.occurred_at, t.span_id),
                                part.2 <= t.occurred_at OR part.3 <= t.received_at
                            ),
                            part.1,
                            toDecimal128(0, 12)
                        ),
                        f.parts
                    )) - g.usd,
                    12
                ),
                a.takes
            ) AS lefts,
            arrayFold(
                (given, open, left) -> arrayPushBack(
                    given,
                    toDecimal128(greatest(least(open, left - arraySum(given)), toDecimal128(0, 12)), 12)
                ),
                arrayMap(t -> t.open, a.takes),
                lefts,
                CAST([] AS Array(Decimal(38, 12)))
            ) AS grants
        FROM asking AS a
        LEFT ANY JOIN funds AS f ON f.workspace = a.workspace AND f.asset_id = a.asset_id
        LEFT ANY JOIN gone AS g ON g.workspace = a.workspace AND g.asset_id = a.asset_id
    )
SELECT
    workspace,
    asset_id,
    take.entry,
    take.entry_id,
    take.before,
    take.to_asset_id,
    take.is_rest,
    usd,
    now64(9, 'UTC'),
    {version:UInt64}
FROM granted
ARRAY JOIN
    takes AS take,
    grants AS usd
WHERE usd > 0
