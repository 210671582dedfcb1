-- is_priced: whether the ledger has prices of a model at all, at any time.
-- parameters: provider, model (the book's names).
-- grain: one row. units: none.
-- columns: prices (how many rows).
SELECT count() AS prices
FROM price_history
WHERE provider = {provider:String} AND model = {model:String};
