-- asset_entries: the entries of the books of assets, each once, with their amounts in USD: what the amortization view and the step
--   that grants write-offs and transfers both begin with.
-- grain: one row an entry: the first telling, where one is told twice. units: amount in USD at the rate of its day, as known when it
--   was received, NULL where there is none; told_amount as told. Columns: those of the table, and these.
entries AS
(
    SELECT
        * EXCEPT (amount),
        amount AS told_amount,
        if(
            currency = 'USD',
            amount,
            accurateCastOrNull(
                roundBankers(
                    toDecimal256(amount, 12) * nullIf(
                        arrayFirst(
                            x -> x.1 = currency AND x.2 <= happened_at AND x.3 > happened_at AND x.4 <= known_at AND x.5 > known_at,
                            (
                                SELECT arrayReverseSort(x -> x.2, groupArray((toString(f.currency), valid_from, valid_to, known_from, known_to, usd)))
                                FROM fx_history AS f
                            )
                        ).6,
                        0
                    ),
                    12
                ),
                'Decimal(38, 12)'
            )
        ) AS amount
    FROM
    (
        SELECT
            *,
            toDateTime64(occurred_at, 3) AS happened_at,
            toDateTime64(received_at, 3) AS known_at
        FROM asset_entries FINAL
        ORDER BY received_at, span_id
        LIMIT 1 BY workspace, asset_id, entry, entry_id
    )
),
