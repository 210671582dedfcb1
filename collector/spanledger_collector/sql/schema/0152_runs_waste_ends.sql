-- runs_waste_ends: by how much what a run wasted, and the work of it that was used, cost less or more by the ends of estimated usage.
-- Older rows have NULL until their traces are settled again: of them the ends of the whole run stand in (arithmetic/waste_ends).
ALTER TABLE runs
    ADD COLUMN IF NOT EXISTS rework_cheaper_usd Nullable(Decimal(38, 12))
        COMMENT 'By so much rework_cost_usd is less by the low ends of estimated usage, at worst; NULL = settled before that was kept' AFTER rework_cost_usd,
    ADD COLUMN IF NOT EXISTS rework_dearer_usd Nullable(Decimal(38, 12))
        COMMENT 'By so much it is more by the high ends; NULL likewise' AFTER rework_cheaper_usd,
    ADD COLUMN IF NOT EXISTS used_cheaper_usd Nullable(Decimal(38, 12))
        COMMENT 'By so much work that was used (cost_usd without rework, appraisal and prevention) is less; NULL likewise' AFTER rework_dearer_usd,
    ADD COLUMN IF NOT EXISTS used_dearer_usd Nullable(Decimal(38, 12))
        COMMENT 'By so much it is more; NULL likewise' AFTER used_cheaper_usd;
