-- charges_by_asset: the sums that asset_balances reads, kept in each part of amortization_charges beside its rows: they are written
--   in one go with them, so a kill, a full disk or a power cut leaves both or neither.
-- grain: (workspace, asset_id, plan_id, basis_id) of a part. units: units of the plan; USD.
ALTER TABLE amortization_charges ADD PROJECTION IF NOT EXISTS by_asset
(
    SELECT workspace, asset_id, plan_id, basis_id, sumIf(units, amount_usd > 0), sumIf(amount_usd, amount_usd > 0)
    GROUP BY workspace, asset_id, plan_id, basis_id
);
