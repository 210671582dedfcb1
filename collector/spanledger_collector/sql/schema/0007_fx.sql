-- fx: what a unit of another currency is worth in USD, dated twice: the day it holds for, and since when we know it. Append only.
-- grain: one row a (currency, valid_from, known_from); of rows with one currency and valid_from the newest known holds.
-- units: USD for one unit of the currency, 12 decimals.
CREATE TABLE IF NOT EXISTS fx
(
    currency LowCardinality(String) COMMENT 'ISO 4217',
    valid_from DateTime64(3, 'UTC') COMMENT 'First instant the rate holds',
    valid_to DateTime64(3, 'UTC') COMMENT 'First instant it does not',
    known_from DateTime64(3, 'UTC') COMMENT 'Known time: as the book has it, but where calls were billed before, not before this ledger learned it',
    told_from DateTime64(3, 'UTC') DEFAULT known_from COMMENT 'Known time as the book has it',
    usd Decimal(38, 12) COMMENT 'USD for one unit of the currency',
    source_url String COMMENT 'Who publishes it',
    book_id String COMMENT 'Hash of the book the row came with'
)
ENGINE = ReplacingMergeTree
ORDER BY (currency, valid_from, known_from)
SETTINGS fsync_after_insert = 1;
