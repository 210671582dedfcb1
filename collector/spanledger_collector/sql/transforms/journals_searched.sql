-- journals_searched: how far the records of each journal were looked for, and how far they may be: its traces are settled so far.
-- grain: one row a journal.
SELECT
    s.journal_id AS journal_id,
    d.next_sequence AS from_sequence,
    s.next_sequence AS until_sequence
FROM
(
    SELECT journal_id, next_sequence
    FROM settlements FINAL
) AS s
LEFT JOIN
(
    SELECT journal_id, next_sequence
    FROM record_searches FINAL
) AS d USING (journal_id)
