-- agent_versions: when each version of an agent ran first, of all its runs: which is the older of two, whatever period is asked for.
-- parameters: workspace; agent_name.
-- grain: one row an agent_version, the oldest first.
-- columns: agent_version, first_started_at.
SELECT
    agent_version,
    min(started_at) AS first_started_at
FROM runs FINAL
WHERE workspace = {workspace:String}
    AND agent_name = {agent_name:String}
GROUP BY agent_version
ORDER BY
    first_started_at,
    agent_version;
