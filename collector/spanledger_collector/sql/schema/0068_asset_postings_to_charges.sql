-- asset_postings_to_charges: keeps what runs are charged, and what charged runs grew by when nothing was left.
-- grain: one row a charge.
CREATE MATERIALIZED VIEW IF NOT EXISTS asset_postings_to_charges TO amortization_charges AS
SELECT * EXCEPT (entered_at, charged_usd, found_nothing)
FROM asset_postings
WHERE NOT found_nothing OR units_before > 0
