-- parked_traces: the traces of a journal that are not settled, and why. grain: one row a trace. parameters: journal_id.
SELECT workspace, trace_id, state, reason, version
FROM parked_traces FINAL
WHERE journal_id = {journal_id:String} AND is_deleted = 0
ORDER BY version
