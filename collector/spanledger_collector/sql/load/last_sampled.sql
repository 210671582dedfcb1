-- last_sampled: the last record of a journal, from one on, of which any sample of a GPU or of an engine is in the ledger.
-- grain: one row. parameters: journal_id, first (a sequence). 0 = none arrived.
SELECT max(last) AS last
FROM
(
    SELECT max(sequence) AS last
    FROM gpu_samples
    WHERE journal_id = {journal_id:String} AND sequence >= {first:UInt64}
    UNION ALL
    SELECT max(sequence) AS last
    FROM engine_samples
    WHERE journal_id = {journal_id:String} AND sequence >= {first:UInt64}
)
