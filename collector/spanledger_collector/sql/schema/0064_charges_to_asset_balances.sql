-- charges_to_asset_balances: adds every posted charge to the balance of its asset.
-- grain: one row an (asset, plan, basis) of the block.
CREATE MATERIALIZED VIEW IF NOT EXISTS charges_to_asset_balances TO asset_balances AS
SELECT workspace, asset_id, plan_id, basis_id, sum(c.units) AS units, sum(c.amount_usd) AS amount_usd
FROM amortization_charges AS c
WHERE c.amount_usd > 0
GROUP BY workspace, asset_id, plan_id, basis_id
