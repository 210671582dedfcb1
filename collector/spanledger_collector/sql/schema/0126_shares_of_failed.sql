-- shares_of_failed: what attempts that failed carry of the share of a call whose client made it again by itself, where its span tells how long
--   each lasted (spanledger.retry.attempt_seconds); in order, alike long. Empty: all of it is the last attempt's.
ALTER TABLE gpu_shares
    ADD COLUMN IF NOT EXISTS failed_gpu_seconds Array(Decimal(38, 9)) COMMENT 'Part of gpu_seconds, by attempt that failed' AFTER mbu,
    ADD COLUMN IF NOT EXISTS failed_cost_usd Array(Decimal(38, 12)) COMMENT 'Part of cost_usd, likewise; empty also without a rate' AFTER failed_gpu_seconds,
    ADD COLUMN IF NOT EXISTS failed_error Decimal(9, 6) DEFAULT 0 COMMENT 'How far these may be off, as error says it' AFTER failed_cost_usd;
