-- gpu_shares_of_window: the calls that had a share of a window when it was closed last. grain: one row a call.
-- parameters: pool, window_start.
SELECT workspace, trace_id, span_id
FROM gpu_shares FINAL
WHERE pool = {pool:String} AND window_start = {window_start:DateTime64(3)}
