-- asset_balances: what was charged of each asset so far, by plan and basis: the settler reads it before it posts.
-- grain: one row a (workspace, asset_id, plan_id, basis_id). units: USD; units of the plan.
-- columns:
--   units       units that were charged at a rate, however small
--   amount_usd  USD charged
-- Read from the projection by_rated_asset of amortization_charges, whose cost does not grow with the number of runs. A row that is there twice
--   (two collectors that posted it at once) counts twice until parts are merged: it errs towards charging less than the capital.
CREATE OR REPLACE VIEW asset_balances AS
SELECT
    workspace,
    asset_id,
    plan_id,
    basis_id,
    sumIf(c.units, c.rate_usd > 0 OR c.amount_usd > 0) AS units,
    sum(c.amount_usd) AS amount_usd
FROM amortization_charges AS c
GROUP BY
    workspace,
    asset_id,
    plan_id,
    basis_id
