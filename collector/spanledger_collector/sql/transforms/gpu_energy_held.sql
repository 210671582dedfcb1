-- gpu_energy_held: the windows of which the energy was written, and what it was written for. grain: one row a (pool, window_start).
-- parameters: since.
SELECT pool, window_start, fingerprint
FROM gpu_energy FINAL
WHERE window_start >= {since:DateTime64(3)}
ORDER BY pool, window_start
