-- asset_use: units of assets that were charged, by day, and by whose runs and what units the plan counted: how much each is used.
-- parameters: workspace; asset_id (empty = of all).
-- grain: one row an (asset, unit and scope of the plan, UTC day) with units, the first day first. units: units of the plan.
-- columns: asset_id, unit (execution | token | flop | success), agent_name, agent_version (whose runs; empty = all), day (of posting: seconds
--   after the run arrived), units.
SELECT
    c.asset_id AS asset_id,
    p.unit AS unit,
    p.agent_name AS agent_name,
    p.agent_version AS agent_version,
    toDate(c.posted_at, 'UTC') AS day,
    sum(c.units) AS units
FROM
(
    SELECT asset_id, plan_id, posted_at, g.units AS units
    FROM amortization_charges AS g FINAL
    WHERE g.workspace = {workspace:String}
        AND ({asset_id:String} = '' OR g.asset_id = {asset_id:String})
) AS c
LEFT ANY JOIN
(
    SELECT asset_id, entry_id, unit, agent_name, agent_version
    FROM asset_entries FINAL
    WHERE workspace = {workspace:String} AND entry = 'plan'
    ORDER BY received_at, recorded_at, span_id
    LIMIT 1 BY asset_id, entry_id
) AS p ON p.asset_id = c.asset_id AND p.entry_id = c.plan_id
GROUP BY
    asset_id,
    unit,
    agent_name,
    agent_version,
    day
ORDER BY
    day,
    asset_id,
    unit,
    agent_name,
    agent_version;
