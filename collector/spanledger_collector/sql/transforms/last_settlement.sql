-- last_settlement: where settling stopped. grain: one row: the journal's own cursor and the highest version of any journal.
-- parameters: journal_id.
SELECT
    maxIf(next_sequence, journal_id = {journal_id:String}) AS next_sequence,
    max(version) AS version
FROM settlements FINAL
