-- any_record: whether applications have told the ledger anything of their runs.
-- grain: one row, or none where they have not.
SELECT 1 AS told
FROM records
LIMIT 1
