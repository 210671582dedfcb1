-- run_records_moved: records that a later telling is about another run of: they count there, and the row stands for what was said before.
-- Rows of older settlements do not tell it until they are settled again.
ALTER TABLE run_records ADD COLUMN IF NOT EXISTS is_moved Bool DEFAULT false COMMENT 'A later telling names somebody else: it counts there and not here' AFTER tellings;
