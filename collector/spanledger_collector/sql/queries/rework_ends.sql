-- rework_ends: by how much the rework of an agent cost less or more by the ends of what was estimated of its usage.
-- parameters: workspace; agent_name; since, until (start of the run, until exclusive).
-- grain: one row. units: USD, 12 decimals.
-- columns: cheaper_usd, dearer_usd (0 where nothing of it was estimated; all ends of one side together: the worst case).
SELECT
    toDecimal128(ifNull(sum(a.cost_usd - a.cost_low_usd), 0), 12) AS cheaper_usd,
    toDecimal128(ifNull(sum(a.cost_high_usd - a.cost_usd), 0), 12) AS dearer_usd
FROM attempts AS a FINAL
WHERE a.workspace = {workspace:String}
    AND a.agent_name = {agent_name:String}
    AND a.counted
    AND a.rework_reason != ''
    AND (a.trace_id, a.run_id) IN (
        SELECT trace_id, run_id
        FROM runs FINAL
        WHERE workspace = {workspace:String}
            AND agent_name = {agent_name:String}
            AND started_at >= {since:DateTime64(9)}
            AND started_at < {until:DateTime64(9)}
    );
