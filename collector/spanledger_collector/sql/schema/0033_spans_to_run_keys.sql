-- spans_to_run_keys: notes run ids (of agents) and external keys of every inserted block of spans.
-- grain: one row a (key, trace) of the block.
CREATE MATERIALIZED VIEW IF NOT EXISTS spans_to_run_keys TO run_keys AS
SELECT
    workspace,
    told.1 AS kind,
    told.2 AS key,
    trace_id,
    min(received_at) AS received_at
FROM
(
    SELECT
        workspace,
        trace_id,
        received_at,
        arrayJoin([
            ('run', if(role = 'agent', if(run_id != '', run_id, span_id), '')),
            ('key', attributes['spanledger.external_key'])
        ]) AS told
    FROM spans
    WHERE role = 'agent' OR mapContains(attributes, 'spanledger.external_key')
)
WHERE told.2 != ''
GROUP BY workspace, kind, key, trace_id
