-- is_priced: whether the ledger has prices of a model at all, at any time.
-- parameters: provider, model (the book's names).
-- grain: one row. units: none.
-- columns: prices (how many rows), output_prices (of them, with a rate for tokens of output: it generates).
SELECT
    count() AS prices,
    countIf(output_usd_per_token IS NOT NULL) AS output_prices
FROM price_history
WHERE provider = {provider:String} AND model = {model:String};
