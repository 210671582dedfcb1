-- model_operations: which kinds of calls each model answered, and how many of them one agent's runs made: what a model can stand in for.
-- parameters: workspace; agent_name (whose runs; empty = nobody's); since, until (start of the call, until exclusive).
-- grain: one row a model and operation, most used first. units: attempts.
-- columns: provider, model (as priced; as called, where the book does not know it), operation, attempts (counted ones), own_attempts (of
--   them, the agent's).
SELECT
    a.provider_key AS provider,
    a.model_key AS model,
    toString(a.operation) AS operation,
    count() AS attempts,
    countIf(a.agent_name = {agent_name:String}) AS own_attempts
FROM attempts AS a FINAL
WHERE a.workspace = {workspace:String}
    AND a.started_at >= {since:DateTime64(9)}
    AND a.started_at < {until:DateTime64(9)}
    AND a.counted
    AND a.operation NOT IN ('execute_tool', 'effort', 'expense', 'load_model')
GROUP BY
    provider,
    model,
    operation
ORDER BY
    attempts DESC,
    provider,
    model,
    operation;
