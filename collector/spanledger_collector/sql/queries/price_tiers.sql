-- price_tiers: the service tiers that the ledger has prices of, of any model at any time.
-- parameters: none.
-- grain: one row a tier. units: none.
-- columns: tier (standard = the one without a name).
SELECT DISTINCT if(service_tier = '', 'standard', toString(service_tier)) AS tier
FROM prices
ORDER BY
    tier != 'standard',
    tier;
