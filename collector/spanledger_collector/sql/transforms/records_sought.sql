-- records_sought: how many records a look is for: planning it costs more than asking.
-- grain: one row. parameters: version = the look.
SELECT count() AS records
FROM sought_records
WHERE version = {version:UInt64}
