-- prices_used: which rows of the price book priced the attempts of a period, with their rates and where they come from.
-- parameters: workspace; since, until (start of the call, until exclusive); agent_name, agent_version, tenant (empty = any).
-- grain: one row a price row, most expensive first; attempts without one are in no row (`coverage` has them). units: currency per
--   million tokens (_per_million); USD, 12 decimals.
-- columns: price_id, provider, model, service_tier, region, currency, input_per_million, cache_read_per_million, output_per_million (NULL =
--   the book has none), valid_from, known_from, source_url, upstream, attempts, cost_usd.
SELECT
    used.price_id AS price_id,
    p.provider AS provider,
    p.model AS model,
    p.service_tier AS service_tier,
    p.region AS region,
    p.currency AS currency,
    p.input_usd_per_token * 1000000 AS input_per_million,
    p.cache_read_usd_per_token * 1000000 AS cache_read_per_million,
    p.output_usd_per_token * 1000000 AS output_per_million,
    p.valid_from AS valid_from,
    p.known_from AS known_from,
    p.source_url AS source_url,
    p.upstream AS upstream,
    used.attempts AS attempts,
    used.cost_usd AS cost_usd
FROM
(
    SELECT
        price_id,
        count() AS attempts,
        sum(a.cost_usd) AS cost_usd
    FROM attempts AS a FINAL
    WHERE
        @include arithmetic/attempts_of_period
        AND a.price_id != ''
    GROUP BY price_id
) AS used
LEFT ANY JOIN prices AS p ON p.price_id = used.price_id
ORDER BY
    cost_usd DESC NULLS LAST,
    price_id;
