-- prices: the price book, dated twice: when a rate is valid, and since when we know it. Append only.
-- grain: one row a (provider, model, service_tier, region, context_over_tokens, hours, valid_from, known_from).
-- units: of the currency, USD unless it says otherwise, per token (_usd_per_token), or for so many of a unit (unit_rates); NULL, or a unit left out = the book has no such rate.
CREATE TABLE IF NOT EXISTS prices
(
    price_id String COMMENT 'Hash of the row: what a priced attempt names',
    provider LowCardinality(String) COMMENT 'Who bills',
    model String COMMENT 'Price key of the model',
    service_tier LowCardinality(String) COMMENT 'Empty = standard, else batch | flex | priority | ...',
    region LowCardinality(String) COMMENT 'Where inference runs, for prices that depend on it; * = any region told but global, empty = anywhere',
    context_over_tokens UInt64 COMMENT 'Applies to the whole request when its total input exceeds this; 0 = base',
    valid_from DateTime64(3, 'UTC') COMMENT 'Valid time, inclusive',
    valid_to DateTime64(3, 'UTC') COMMENT 'Valid time, exclusive; 2299-12-31 = open',
    hours Array(Tuple(from UInt16, until UInt16)) COMMENT 'Only in these minutes of the week, counted from Monday 00:00 UTC; empty = always',
    known_from DateTime64(3, 'UTC') COMMENT 'Known time: as the book has it, but where calls were billed before, not before this ledger learned it',
    told_from DateTime64(3, 'UTC') DEFAULT known_from COMMENT 'Known time as the book has it',
    input_usd_per_token Nullable(Decimal(38, 24)) COMMENT 'Uncached input',
    cache_read_usd_per_token Nullable(Decimal(38, 24)) COMMENT 'Input read from the cache',
    cache_write_5m_usd_per_token Nullable(Decimal(38, 24)) COMMENT 'Input written to the cache, 5 minutes',
    cache_write_1h_usd_per_token Nullable(Decimal(38, 24)) COMMENT 'Input written to the cache, 1 hour',
    output_usd_per_token Nullable(Decimal(38, 24)) COMMENT 'Output, reasoning included',
    unit_rates Map(LowCardinality(String), Tuple(usd Decimal(38, 24), per UInt64)) COMMENT 'Unit -> USD for so many of it, as published (10 per 1000 web_searches, 0.36 per 3600 audio_seconds); parts of the buckets with a rate of their own, and units beside tokens; <unit>.* = any kind of it',
    currency LowCardinality(String) COMMENT 'ISO 4217; rates are per unit in this currency',
    source_url String COMMENT 'Where the provider publishes it',
    upstream LowCardinality(String) COMMENT 'genai-prices | overlay | operator, with version',
    book_id String COMMENT 'Hash of the book the row came with'
)
ENGINE = ReplacingMergeTree
ORDER BY (provider, model, service_tier, region, context_over_tokens, valid_from, known_from, price_id)
SETTINGS fsync_after_insert = 1;
