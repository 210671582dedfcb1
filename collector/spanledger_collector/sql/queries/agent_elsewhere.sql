-- agent_elsewhere: what runs of an agent, or runs below them, called in traces of its own: in none of the agent's inclusive figures.
-- parameters: workspace; since, until (start of the runs that called, until exclusive); agent_name, and of its runs agent_version, tenant
--   (empty = any).
-- grain: one row. units: USD.
-- columns: runs (that were called so), traces (in which they are), cost_usd (their variable cost with that of all runs below them; NULL =
--   nothing of it is known, or there are none).
WITH
    called AS
    (
        SELECT trace_id, parent_run_id, inclusive_cost_usd
        FROM runs FINAL
        WHERE workspace = {workspace:String}
            AND started_at >= {since:DateTime64(9)}
            AND is_top AND caller_missing
    )
SELECT
    count() AS runs,
    uniqExact(c.trace_id) AS traces,
    sum(c.inclusive_cost_usd) AS cost_usd
FROM called AS c
INNER JOIN
(
    SELECT run_id, trace_id AS caller_trace
    FROM runs FINAL
    WHERE workspace = {workspace:String}
        AND started_at >= {since:DateTime64(9)}
        AND started_at < {until:DateTime64(9)}
        AND trace_id IN (
            SELECT trace_id
            FROM run_keys
            WHERE workspace = {workspace:String} AND kind = 'run' AND key IN (SELECT parent_run_id FROM called)
        )
        AND ({tenant:String} = '' OR tenant = {tenant:String})
        AND arrayExists(
            a -> a.agent_name = {agent_name:String} AND {agent_version:String} IN ('', a.agent_version),
            arrayPushBack(callers, (agent_name, agent_version)::Tuple(agent_name String, agent_version String))
        )
    ORDER BY posted_at
    LIMIT 1 BY run_id
) AS r ON r.run_id = c.parent_run_id
WHERE r.caller_trace != c.trace_id;
