-- amortization_charges_wide_rates: the rate of a charge with 40 decimals: 24 were two digits of a plan over 1e24 FLOPs.
ALTER TABLE amortization_charges MODIFY COLUMN rate_usd Decimal(76, 40);
