-- post_waits: keeps which of the given traces have runs that wait for the rate of a currency, before post_charges passes over them.
-- grain: one row a (trace, asset), into asset_waits. Reads span_runs of the same settlement. parameters: version = the settlement.
-- All agents' executions in the scope of any plan of the asset: which of them are due is post_charges' to say, once there is a rate.
INSERT INTO asset_waits (workspace, trace_id, asset_id, version)
SELECT DISTINCT
    o.workspace AS workspace,
    o.trace_id AS trace_id,
    p.asset_id AS asset_id,
    {version:UInt64} AS version
FROM
(
    SELECT workspace, trace_id, agent_name, agent_version
    FROM span_runs
    WHERE (workspace, trace_id) IN (SELECT workspace, trace_id FROM settling WHERE version = {version:UInt64})
        AND version = {version:UInt64} AND run_kind = 'agent'
) AS o
INNER JOIN
(
    SELECT workspace, asset_id, agent_name, agent_version
    FROM asset_entries FINAL
    WHERE entry = 'plan' AND (workspace, asset_id) IN (
        SELECT workspace, asset_id
        FROM amortization
        WHERE state = 'waiting_for_rate' AND workspace IN (SELECT workspace FROM settling WHERE version = {version:UInt64})
    )
) AS p ON p.workspace = o.workspace
WHERE p.agent_name IN ('', o.agent_name) AND p.agent_version IN ('', o.agent_version)
