-- overtaken_traces: traces of a settlement whose spans a newer one has read as well. The newer one's rows win, and it may
-- have read before this one did: only settling again tells.
-- grain: one row a trace; none unless two collectors settle one trace at once. parameters: version = the settlement.
SELECT DISTINCT
    workspace,
    trace_id
FROM settling_spans
WHERE version > {version:UInt64}
    AND (workspace, trace_id) IN (SELECT workspace, trace_id FROM settling WHERE version = {version:UInt64})
