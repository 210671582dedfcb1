-- schema_migrations: which schema files this database has, so that each is applied once and never changes.
-- grain: one row a file; two collectors starting at once may write it twice (read with FINAL).
CREATE TABLE IF NOT EXISTS schema_migrations
(
    number UInt32 COMMENT 'Leading number of the file',
    name String COMMENT 'Name of the file, without .sql',
    sha256 String COMMENT 'Hash of its text: an applied file never changes',
    applied_at DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When'
)
ENGINE = ReplacingMergeTree
ORDER BY number;
