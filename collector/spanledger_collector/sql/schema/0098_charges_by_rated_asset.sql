-- charges_by_rated_asset: the sums that asset_balances reads, kept in each part of amortization_charges beside its rows: they are written
--   in one go with them, so a kill, a full disk or a power cut leaves both or neither. The units of a charge that rounds to 0 count (it
--   has a rate): thousands of them are a cent. A row for which nothing was left has no rate.
-- grain: (workspace, asset_id, plan_id, basis_id) of a part. units: units of the plan; USD.
ALTER TABLE amortization_charges ADD PROJECTION IF NOT EXISTS by_rated_asset
(
    SELECT workspace, asset_id, plan_id, basis_id, sumIf(units, rate_usd > 0 OR amount_usd > 0), sum(amount_usd)
    GROUP BY workspace, asset_id, plan_id, basis_id
);
