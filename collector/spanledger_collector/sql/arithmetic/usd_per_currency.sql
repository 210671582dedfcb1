-- usd_per_currency: what a unit of a currency is worth in USD for something that was told: the rate of the day it happened, as known when it
--   arrived; where none was known then, the one that was known first afterwards. So an amount that was converted stays as it is whatever
--   is corrected later, and one that waits for a rate is converted once there is one.
-- Of several rates that hold on the day the one that began last. Reads told_currency, happened_at, known_at. units: USD; 0 = no rate yet.
arraySort(
    x -> (greatest(x.4, known_at), -toUnixTimestamp64Milli(x.2)),
    arrayFilter(
        x -> x.1 = told_currency AND x.2 <= happened_at AND x.3 > happened_at AND x.5 > known_at,
        (
            SELECT groupArray((toString(f.currency), f.valid_from, f.valid_to, f.known_from, f.known_to, f.usd))
            FROM fx_history AS f
        )
    )
)[1].6
