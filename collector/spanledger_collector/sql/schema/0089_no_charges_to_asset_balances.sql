-- no_charges_to_asset_balances: sums written after their rows could miss some (a kill between the two), and an asset was charged more
--   than it cost. asset_balances is a view now.
DROP VIEW IF EXISTS charges_to_asset_balances;
