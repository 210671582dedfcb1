-- runs_unknown_rework: how many of a run's wasted attempts are of unknown cost, so that what it wasted is told as a lower bound.
-- Older rows have 0 until their traces are settled again.
ALTER TABLE runs
    ADD COLUMN IF NOT EXISTS unknown_rework_attempts UInt32
        COMMENT 'Wasted attempts whose cost is unknown: rework_cost_usd is a lower bound when above 0' AFTER unpriced_attempts,
    ADD COLUMN IF NOT EXISTS inclusive_unknown_rework_attempts UInt32
        COMMENT 'unknown_rework_attempts of the run and of all runs below' AFTER inclusive_unpriced_attempts;
