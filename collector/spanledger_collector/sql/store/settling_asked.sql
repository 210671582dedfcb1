-- settling_asked: how many traces a request is about. grain: one row; none where the request was of no trace. parameters: request_id.
SELECT traces
FROM settle_requests FINAL
WHERE request_id = {request_id:String}
