-- model_aliases: what a model id on a span means in the price book, dated twice. Append only.
-- A call at t, received at k, is called by the row with valid_from <= t < valid_to of the newest known_from <= k; rows of one
--   known_from are one answer of the book and fill all time.
-- grain: one row a (provider_seen, model_seen, known_from, valid_from).
CREATE TABLE IF NOT EXISTS model_aliases
(
    provider_seen String COMMENT 'Provider as on the span, normalised',
    model_seen String COMMENT 'Model id as on the span',
    valid_from DateTime64(3, 'UTC') COMMENT 'Calls from then on, inclusive; 1970-01-01 = always',
    valid_to DateTime64(3, 'UTC') COMMENT 'Calls before then; 2299-12-31 = open',
    known_from DateTime64(3, 'UTC') COMMENT 'Spans received from then on; 1970-01-01 = the first answer for this id',
    provider LowCardinality(String) COMMENT 'Provider in the price book; empty = not found',
    model String COMMENT 'Price key; empty = not found',
    method LowCardinality(String) COMMENT 'exact | prefix | pattern | operator | none',
    book_id String COMMENT 'Last book that said so',
    resolved_at DateTime64(3, 'UTC') COMMENT 'When it did'
)
ENGINE = ReplacingMergeTree(resolved_at)
ORDER BY (provider_seen, model_seen, known_from, valid_from);
