-- settle_requests: what is to be settled again and is not yet, the oldest first. grain: one row a request.
-- parameters: holder = journal of the collector that asks. is_free = no other is at it.
SELECT
    request_id,
    workspace,
    of_trace,
    first_day,
    last_day,
    reason,
    asked_at,
    traces,
    settled,
    after_workspace,
    after_trace,
    holder,
    version,
    holder IN ('', {holder:String}) OR held_until < now64(3) AS is_free
FROM settle_requests FINAL
WHERE NOT is_done
ORDER BY
    asked_at,
    request_id
