-- gpu_energy: what the GPUs of a pool drew in a window of gpu_windows, as they told it, and what their electricity is made of.
-- grain: one row a (pool, window_start); written again when what is known of it changes, newest version wins.
-- units: joules of the boards alone, GPU-seconds with 9 decimals, grams of CO2 equivalents a kWh. Measured: no board is estimated here.
CREATE TABLE IF NOT EXISTS gpu_energy
(
    pool String COMMENT 'Of GPUs, as the operator calls it',
    window_start DateTime64(3, 'UTC') COMMENT 'Inclusive',
    window_end DateTime64(3, 'UTC') COMMENT 'Exclusive',
    measured_joules Float64 COMMENT 'Drawn in measured_gpu_seconds',
    measured_gpu_seconds Decimal(38, 9) COMMENT 'GPU time of which readings say what was drawn; at most that which is billed',
    pue_low Float64 COMMENT 'What the data centre draws for each joule of its machines; 0 = not told',
    pue_high Float64 COMMENT 'High end of that',
    grid_low_g_per_kwh Nullable(Float64) COMMENT 'CO2 equivalents of the electricity; NULL = not told',
    grid_high_g_per_kwh Nullable(Float64) COMMENT 'High end of that',
    grid_source String COMMENT 'Who says so',
    grid_as_of String COMMENT 'Of when that is',
    fingerprint UInt64 COMMENT 'Of the readings, the grid and the cooling: written again when it changes',
    version UInt64 COMMENT 'Newest wins'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (pool, window_start)
SETTINGS fsync_after_insert = 1;
