-- charges: what made-up runs of one agent (runs.sql) were charged of an asset, for benchmarks: six cents each.
-- grain: one row a run, into amortization_charges. units: USD. parameters: agent_name; asset_id.
INSERT INTO amortization_charges
    (workspace, trace_id, run_id, asset_id, units_before, agent_name, agent_version, tenant, kind, plan_id, basis_id, units, rate_usd,
    amount_usd, posted_at, version)
SELECT
    workspace,
    trace_id,
    run_id,
    {asset_id:String},
    0,
    agent_name,
    agent_version,
    tenant,
    'training',
    'plan',
    'plan',
    1,
    toDecimal128('0.06', 24),
    toDecimal128('0.06', 12),
    started_at,
    1
FROM runs
WHERE workspace = 'default' AND agent_name = {agent_name:String}
