-- windows_weight_format: in which format a pool's weights are, as its file said when the window was closed: what a smaller one would save.
-- Older windows do not tell it until they are closed again.
ALTER TABLE gpu_windows ADD COLUMN IF NOT EXISTS weight_format LowCardinality(String) DEFAULT '' COMMENT 'Of the weights of its model; empty = not told' AFTER model;
