-- price_history: the price book with both ends of both times: when a rate is valid, and when it was what we knew.
-- A call at t, known at k, is priced by the row with valid_from <= t < valid_to and known_from <= k < known_to,
--   of its provider, model and tier, of its region or of none, at its hour, with the largest context_over_tokens below its total input: one row at most.
-- grain: one row a row of prices; withdrawn ones (valid_to = valid_from) are left out. units: USD per token, or as unit_rates says.
-- columns: those of prices, and
--   known_to        exclusive; 2299-12-31 = still what we know. A later row of the same key (provider, model, tier,
--                   region, threshold, hours, valid_from) ends it: that is how a price that changed is closed without an edit
CREATE OR REPLACE VIEW price_history AS
SELECT *
FROM
(
    SELECT
        price_id,
        provider,
        model,
        service_tier,
        region,
        context_over_tokens,
        valid_from,
        valid_to,
        hours,
        known_from,
        leadInFrame(known_from, 1, toDateTime64('2299-12-31 00:00:00', 3, 'UTC')) OVER (
            PARTITION BY provider, model, service_tier, region, context_over_tokens, hours, valid_from
            ORDER BY known_from ASC, price_id ASC
            ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
        ) AS known_to,
        input_usd_per_token,
        cache_read_usd_per_token,
        cache_write_5m_usd_per_token,
        cache_write_1h_usd_per_token,
        output_usd_per_token,
        unit_rates,
        currency,
        source_url,
        upstream,
        book_id
    FROM prices FINAL
)
WHERE valid_from < valid_to;
