-- gpu_closed: the windows that were closed, with what they were closed for. grain: one row a (pool, window_start).
-- parameters: since.
SELECT pool, window_start, window_end, fingerprint
FROM gpu_windows FINAL
WHERE window_start >= {since:DateTime64(3)}
ORDER BY pool, window_start
