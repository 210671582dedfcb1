-- last_turn: whose turn it is to post.
-- grain: one row: the newest step with its holder, 0 before the first; is_free = whether the next one may be taken; asked_at = now, by the server.
SELECT
    max(t.step) AS step,
    argMax(t.holder, t.step) AS holder,
    step % 2 = 1 OR argMax(t.until, t.step) <= now64(3, 'UTC') AS is_free,
    now64(3, 'UTC') AS asked_at
FROM posting_turns AS t
