-- charges_by_rated_asset_made: makes the sums of charges that were posted before; until it is done these are read row by row.
ALTER TABLE amortization_charges MATERIALIZE PROJECTION by_rated_asset;
