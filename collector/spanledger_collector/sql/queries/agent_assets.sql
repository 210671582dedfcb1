-- agent_assets: the assets that a plan ever named an agent for: without any, asset_contributions has no row of it and need not be asked.
-- parameters: workspace; agent_name.
-- grain: one row an asset.
-- columns: asset_id.
SELECT DISTINCT asset_id
FROM asset_entries
WHERE workspace = {workspace:String}
    AND entry = 'plan'
    AND agent_name = {agent_name:String}
ORDER BY asset_id;
