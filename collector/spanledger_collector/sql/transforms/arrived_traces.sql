-- arrived_traces: what arrived in one journal since a record: the settler's list of work.
-- grain: one row a (record, trace), oldest record first; a record is never cut by the limit.
-- parameters: journal_id; from_sequence (inclusive); limit. units: spans = of this trace in the record.
SELECT
    sequence,
    workspace,
    trace_id,
    sum(spans) AS span_count
FROM arrivals
WHERE journal_id = {journal_id:String} AND sequence >= {from_sequence:UInt64}
GROUP BY
    sequence,
    workspace,
    trace_id
ORDER BY sequence
LIMIT {limit:UInt32} WITH TIES
