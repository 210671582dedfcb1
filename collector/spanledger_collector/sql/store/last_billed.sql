-- last_billed: when the last call was received that this ledger has billed, priced or not.
-- grain: one row. columns: calls (0 = none), received_at (UTC).
SELECT count() AS calls, toDateTime64(max(received_at), 3, 'UTC') AS received_at
FROM attempts
