-- asset_postings_wide_rates: as in amortization_charges.
ALTER TABLE asset_postings MODIFY COLUMN rate_usd Decimal(76, 40);
