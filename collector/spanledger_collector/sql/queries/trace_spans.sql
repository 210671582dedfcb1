-- trace_spans: the spans of one trace with the run each belongs to and what it cost by itself.
-- parameters: workspace; trace_id (32 hex digits, lower case).
-- grain: one row a span, in order of start. Days come from arrivals, so that spans is read by primary key.
-- columns: span_id, parent_span_id, name, role, operation, service_name, scope_name, dialect, provider, model, started_at,
--   duration_ns, status, error_type, run_id, agent_name, tool_name (nearest), attempts (of the call), counted,
--   excluded_reason, cost_usd (own counted attempts; NULL = unknown or no call), price_status (of the final attempt), input_tokens,
--   output_tokens (counted), retries (attempts that failed and were made again), rework_cost_usd (part of cost_usd; NULL = none
--   known), rework_reason (of the final attempt), offset_ns (from the start of the trace's first span), trace_ns (its length).
SELECT
    s.span_id AS span_id,
    s.parent_span_id AS parent_span_id,
    s.name AS name,
    s.role AS role,
    s.operation AS operation,
    s.service_name AS service_name,
    s.scope_name AS scope_name,
    s.dialect AS dialect,
    s.provider AS provider,
    if(s.response_model != '', s.response_model, s.request_model) AS model,
    s.started_at AS started_at,
    s.duration_ns AS duration_ns,
    s.status AS status,
    s.error_type AS error_type,
    o.run_id AS run_id,
    o.agent_name AS agent_name,
    o.tool_name AS tool_name,
    a.attempts AS attempts,
    a.counted AS counted,
    a.excluded_reason AS excluded_reason,
    a.cost_usd AS cost_usd,
    a.price_status AS price_status,
    a.input_tokens AS input_tokens,
    a.output_tokens AS output_tokens,
    a.retries AS retries,
    a.rework_cost_usd AS rework_cost_usd,
    a.rework_reason AS rework_reason,
    toUInt64(toUnixTimestamp64Nano(s.started_at) - min(toUnixTimestamp64Nano(s.started_at)) OVER ()) AS offset_ns,
    toUInt64(max(toUnixTimestamp64Nano(s.started_at) + s.duration_ns) OVER () - min(toUnixTimestamp64Nano(s.started_at)) OVER ()) AS trace_ns
FROM
(
    SELECT *
    FROM spans FINAL
    WHERE workspace = {workspace:String}
        AND trace_id = {trace_id:String}
        AND toDate(started_at) IN (
            SELECT day
            FROM arrivals
            WHERE workspace = {workspace:String} AND trace_id = {trace_id:String}
        )
    ORDER BY sequence
    LIMIT 1 BY span_id
) AS s
LEFT JOIN
(
    SELECT
        span_id,
        run_id,
        agent_name,
        tool_name
    FROM span_runs FINAL
    WHERE workspace = {workspace:String} AND trace_id = {trace_id:String}
) AS o ON o.span_id = s.span_id
LEFT JOIN
(
    SELECT
        span_id,
        count() AS attempts,
        max(t.counted) AS counted,
        max(t.excluded_reason) AS excluded_reason,
        sumIf(t.cost_usd, t.counted) AS cost_usd,
        argMax(t.price_status, t.attempt_number) AS price_status,
        sumIf(t.input_uncached_tokens + t.cache_read_tokens + t.cache_write_5m_tokens + t.cache_write_1h_tokens, t.counted) AS input_tokens,
        sumIf(t.output_tokens, t.counted) AS output_tokens,
        countIf(t.outcome = 'retried') AS retries,
        sumIf(t.cost_usd, t.counted AND t.rework_reason != '') AS rework_cost_usd,
        argMax(toString(t.rework_reason), t.attempt_number) AS rework_reason
    FROM attempts AS t FINAL
    WHERE workspace = {workspace:String} AND trace_id = {trace_id:String}
    GROUP BY span_id
) AS a ON a.span_id = s.span_id
ORDER BY
    s.started_at,
    s.span_id;
