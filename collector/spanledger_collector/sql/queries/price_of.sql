-- price_of: what a model cost at an instant, as known at another: every tier and long-context step.
-- parameters: provider, model (the book's names); at (valid time); known_at (known time).
-- grain: (service_tier, region, context_over_tokens, hours). units: USD per token (_usd_per_token), or for so many of a unit (unit_rates).
-- columns: service_tier (empty = standard), region (empty = anywhere), hours (minutes of the week UTC, empty = always), context_over_tokens (0 = base; else the whole request when its total input is
--   greater), the rates (NULL = the book has none), the window, since when known, and where the price comes from.
SELECT
    service_tier,
    region,
    hours,
    context_over_tokens,
    input_usd_per_token,
    cache_read_usd_per_token,
    cache_write_5m_usd_per_token,
    cache_write_1h_usd_per_token,
    output_usd_per_token,
    unit_rates,
    currency,
    valid_from,
    valid_to,
    known_from,
    price_id,
    source_url,
    upstream
FROM price_history
WHERE provider = {provider:String}
    AND model = {model:String}
    AND valid_from <= {at:DateTime64(3)}
    AND valid_to > {at:DateTime64(3)}
    AND known_from <= {known_at:DateTime64(3)}
    AND known_to > {known_at:DateTime64(3)}
ORDER BY
    service_tier,
    region,
    context_over_tokens,
    hours;
