-- asset_charges: what runs were charged of assets, posting by posting, with the rate and the entries that it was posted at.
-- parameters: workspace; asset_id, in_trace, run_id (empty = any); limit; offset (so many of the newest are left out).
-- grain: one row a posting, newest first. units: units of the plan; USD, 12 decimals; rate 24 decimals.
-- columns: posted_at, asset_id, trace_id, run_id, agent_name, agent_version (of the run), units, rate_usd (a unit), amount_usd, plan_id
--   (the plan it was charged by), basis_id (newest entry of the asset then: names the estimate).
SELECT
    posted_at,
    asset_id,
    trace_id,
    run_id,
    agent_name,
    agent_version,
    units,
    rate_usd,
    amount_usd,
    plan_id,
    basis_id
FROM amortization_charges FINAL
WHERE workspace = {workspace:String}
    AND ({asset_id:String} = '' OR asset_id = {asset_id:String})
    AND ({in_trace:String} = '' OR trace_id = {in_trace:String})
    AND ({run_id:String} = '' OR run_id = {run_id:String})
ORDER BY
    posted_at DESC,
    trace_id,
    run_id,
    asset_id,
    units_before
LIMIT {limit:UInt32} OFFSET {offset:UInt32};
