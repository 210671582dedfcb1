-- records_to_search: how many records there are to look for next, up to where, and when they were received.
-- grain: one row; records of one sequence are not divided. parameters: journal_id; from_sequence (inclusive), until_sequence (exclusive); limit.
-- units: nanoseconds since 1970.
SELECT
    count() AS records,
    max(sequence) + 1 AS until_sequence,
    toUnixTimestamp64Nano(min(received_at)) AS earliest_ns,
    toUnixTimestamp64Nano(max(received_at)) AS latest_ns
FROM
(
    SELECT sequence, received_at
    FROM records
    WHERE journal_id = {journal_id:String} AND sequence >= {from_sequence:UInt64} AND sequence < {until_sequence:UInt64}
    ORDER BY sequence
    LIMIT {limit:UInt32} WITH TIES
)
