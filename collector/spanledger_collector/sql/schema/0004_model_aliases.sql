-- model_aliases: what a model id on a span means in the price book. Derived: may be dropped and rebuilt.
-- grain: one row a (provider_seen, model_seen) and book; newest wins.
CREATE TABLE IF NOT EXISTS model_aliases
(
    provider_seen String COMMENT 'Provider as on the span, normalised',
    model_seen String COMMENT 'Model id as on the span',
    provider LowCardinality(String) COMMENT 'Provider in the price book; empty = not found',
    model String COMMENT 'Price key; empty = not found',
    method LowCardinality(String) COMMENT 'exact | prefix | pattern | operator | none',
    book_id String COMMENT 'Book it was looked up in',
    resolved_at DateTime64(3, 'UTC') COMMENT 'When'
)
ENGINE = ReplacingMergeTree(resolved_at)
ORDER BY (provider_seen, model_seen);
