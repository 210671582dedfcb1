-- multiply: copies of the settled attempts of a benchmark, as traces of their own, some seconds later each.
-- grain: one row an attempt and copy, into attempts. parameters: first = number of the first copy; copies = how many.
INSERT INTO attempts
SELECT * EXCEPT (copy) REPLACE (
    lower(leftPad(hex(copy), 8, '0')) || substring(trace_id, 9) AS trace_id,
    started_at + toIntervalMillisecond(copy * 977) AS started_at
)
FROM
(
    SELECT
        a.*,
        {first:UInt32} + n.number AS copy
    FROM numbers({copies:UInt32}) AS n
    CROSS JOIN
    (
        SELECT *
        FROM attempts FINAL
        WHERE startsWith(trace_id, '00000000')
    ) AS a
)
