-- asset_charges: what runs were charged of assets, posting by posting, with the rate and the entries that it was posted at.
-- parameters: workspace; asset_id, in_trace, run_id (empty = any); limit; offset (so many of the newest are left out).
-- grain: one row a posting, newest first. units: units of the plan; USD, 12 decimals; rate 40 decimals.
-- columns: posted_at, asset_id, trace_id, run_id, agent_name, agent_version (of the run), units, rate_usd (a unit; 0 = nothing was left),
--   amount_usd, amount_low_usd, amount_high_usd (had the high, the low end of the expected units come, as known now; NULL = the plan does
--   not say it), plan_id (the plan it was charged by), basis_id (books of the asset then: number of entries and grants, newest entry).
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
    CAST(toDecimal256(amount_usd, 12) * i.low_factor AS Nullable(Decimal(38, 12))) AS amount_low_usd,
    CAST(toDecimal256(amount_usd, 12) * i.high_factor AS Nullable(Decimal(38, 12))) AS amount_high_usd,
    plan_id,
    basis_id
FROM
(
    SELECT *
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
    LIMIT {limit:UInt32} OFFSET {offset:UInt32}
) AS c
LEFT ANY JOIN charge_intervals AS i
    ON i.workspace = c.workspace AND i.asset_id = c.asset_id AND i.plan_id = c.plan_id AND i.basis_id = c.basis_id
ORDER BY
    posted_at DESC,
    trace_id,
    run_id,
    asset_id,
    units_before;
