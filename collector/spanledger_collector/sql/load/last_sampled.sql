-- last_sampled: the last record of a journal, from one on, of which any sample of a GPU is in the ledger.
-- grain: one row. parameters: journal_id, first (a sequence). 0 = none arrived.
SELECT max(sequence) AS last
FROM gpu_samples
WHERE journal_id = {journal_id:String} AND sequence >= {first:UInt64}
