-- asset_entries: the entries of the books of assets, each once, with their amounts in USD: what the amortization view and the step
--   that grants write-offs and transfers both begin with.
-- grain: one row an entry: the first telling, where one is told twice. units: amount in USD at the rate of its day (usd_per_currency),
--   NULL where there is none yet; told_amount as told. Columns: those of the table, and these.
entries AS
(
    SELECT
        * EXCEPT (amount),
        t.amount AS told_amount,
        if(
            currency = 'USD',
            t.amount,
            accurateCastOrNull(
                roundBankers(
                    toDecimal256(t.amount, 12) * nullIf(
                        @include arithmetic/usd_per_currency,
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
            toString(currency) AS told_currency,
            toDateTime64(occurred_at, 3) AS happened_at,
            toDateTime64(received_at, 3) AS known_at
        FROM asset_entries FINAL
        ORDER BY received_at, recorded_at, span_id
        LIMIT 1 BY workspace, asset_id, entry, entry_id
    ) AS t
),
