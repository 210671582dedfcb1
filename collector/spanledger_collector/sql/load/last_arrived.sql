-- last_arrived: the last record of a journal, from one on, of which any row is in the ledger.
-- grain: one row. parameters: journal_id, first (a sequence). 0 = none arrived.
SELECT max(sequence) AS last
FROM arrivals
WHERE journal_id = {journal_id:String} AND sequence >= {first:UInt64}
