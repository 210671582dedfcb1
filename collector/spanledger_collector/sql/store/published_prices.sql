-- published_prices: which rows of the price book the ledger holds.
-- grain: one row a price row ever published, superseded ones included.
-- units: instants in UTC.
SELECT DISTINCT price_id, provider, model, service_tier, region, context_over_tokens, hours, valid_from, known_from, told_from
FROM prices
