-- applied_migrations: the schema files this database has.
-- grain: one row a file.
SELECT number, name, sha256
FROM schema_migrations FINAL
ORDER BY number
