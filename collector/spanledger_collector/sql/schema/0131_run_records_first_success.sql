-- run_records_first_success: since when the ledger knows of a success, however often it was told, amended and told again: the moment from
--   which a run is charged of assets that are charged by success. Rows of older settlements do not tell it until they are settled again.
ALTER TABLE run_records ADD COLUMN IF NOT EXISTS first_success_at Nullable(DateTime64(9, 'UTC')) COMMENT 'Outcome: when a success was first received under this name; NULL = never' AFTER received_at;
