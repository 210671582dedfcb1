-- no_charges_by_asset: the projection makes way for one that counts the units of charges which round to 0.
ALTER TABLE amortization_charges DROP PROJECTION IF EXISTS by_asset;
