-- gpu_shares_of_window: the calls that ever had a share of a window, those that lost it too. grain: one row a call.
--   A kill may come between the row that takes a share away and the settlement that says so.
-- parameters: pool, window_start.
SELECT DISTINCT workspace, trace_id, span_id
FROM gpu_shares
WHERE pool = {pool:String} AND window_start = {window_start:DateTime64(3)}
