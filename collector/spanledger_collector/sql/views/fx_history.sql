-- fx_history: rates of other currencies with both ends of both times; see price_history.
-- grain: one row a row of fx. units: USD for one unit of the currency.
-- columns: those of fx, and
--   known_to        exclusive; 2299-12-31 = still what we know. A later row of the same currency and valid_from ends it
CREATE OR REPLACE VIEW fx_history AS
SELECT
    currency,
    valid_from,
    valid_to,
    known_from,
    leadInFrame(known_from, 1, toDateTime64('2299-12-31 00:00:00', 3, 'UTC')) OVER (
        PARTITION BY currency, valid_from
        ORDER BY known_from ASC
        ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
    ) AS known_to,
    usd,
    source_url,
    book_id
FROM fx FINAL;
