-- asset_shares: what agents carry of assets, in all and a run, with the interval that the plans' expected units leave.
-- parameters: workspace; asset_id, agent_name (empty = any).
-- grain: one row an (asset, agent, version) of charged runs, most carried first. units: USD, 12 decimals; units of the plans.
-- columns: asset_id, kind, agent_name, agent_version, runs (charged), units, charged_usd, charged_low_usd, charged_high_usd (had the
--   high and the low ends of the expected units come; NULL = a plan does not say them), per_run_usd, per_run_low_usd, per_run_high_usd.
SELECT
    asset_id,
    kind,
    agent_name,
    agent_version,
    runs,
    units,
    charged_usd,
    charged_low_usd,
    charged_high_usd,
    per_run_usd,
    per_run_low_usd,
    per_run_high_usd
FROM asset_shares
WHERE workspace = {workspace:String}
    AND ({asset_id:String} = '' OR asset_id = {asset_id:String})
    AND ({agent_name:String} = '' OR agent_name = {agent_name:String})
ORDER BY
    charged_usd DESC,
    asset_id,
    agent_name,
    agent_version
