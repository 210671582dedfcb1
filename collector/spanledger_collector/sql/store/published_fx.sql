-- published_fx: which rates of other currencies the ledger holds.
-- grain: one row a rate. units: USD for one unit of the currency; instants in UTC.
SELECT currency, valid_from, valid_to, known_from, told_from, usd, source_url
FROM fx FINAL
