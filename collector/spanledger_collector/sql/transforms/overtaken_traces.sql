-- overtaken_traces: traces to settle again after a settlement.
-- grain: one row a trace; mostly none. parameters: version = the settlement.
-- 1. Traces whose spans a newer settlement has read as well (two collectors settle one trace at once). The newer one's rows
--    win, and it may have read before this one did: only settling again tells.
-- 2. Traces settled before whose root call is told by a root of this settlement's traces too: they counted it alone.
SELECT DISTINCT
    workspace,
    trace_id
FROM settling_spans
WHERE version > {version:UInt64}
    AND (workspace, trace_id) IN (SELECT workspace, trace_id FROM settling WHERE version = {version:UInt64})
UNION DISTINCT
SELECT DISTINCT
    workspace,
    other_trace AS trace_id
FROM
(
    SELECT
        workspace,
        trace_id,
        service_name,
        scope_name,
        response_id,
        started_at,
        ended_at,
        input_uncached_tokens + cache_read_tokens + cache_write_5m_tokens + cache_write_1h_tokens AS input_tokens,
        output_tokens
    FROM settling_spans
    WHERE version = {version:UInt64} AND role = 'call' AND parent_span_id = '' AND usage_source = 'provider'
) AS s
INNER JOIN
(
    SELECT
        workspace,
        service_name,
        input_tokens,
        output_tokens,
        trace_id AS other_trace,
        span_id AS other_span,
        scope_name AS other_scope,
        started_at AS other_started,
        ended_at AS other_ended
    FROM root_calls
    WHERE response_id = '' AND (workspace, service_name, input_tokens, output_tokens) IN (
        SELECT
            workspace,
            service_name,
            input_uncached_tokens + cache_read_tokens + cache_write_5m_tokens + cache_write_1h_tokens,
            output_tokens
        FROM settling_spans
        WHERE version = {version:UInt64} AND role = 'call' AND parent_span_id = '' AND usage_source = 'provider'
    )
) AS r USING (workspace, service_name, input_tokens, output_tokens)
WHERE other_scope != scope_name
    AND (workspace, other_trace) NOT IN (SELECT workspace, trace_id FROM settling WHERE version = {version:UInt64})
    AND (
        (started_at >= other_started AND ended_at <= other_ended)
        OR (response_id != '' AND started_at <= other_started AND ended_at >= other_ended)
    )
    AND (workspace, other_trace, other_span) IN (
        SELECT
            workspace,
            trace_id,
            span_id
        FROM call_verdicts FINAL
        WHERE counted AND (workspace, trace_id) IN (
            SELECT
                workspace,
                trace_id
            FROM root_calls
            WHERE response_id = '' AND (workspace, service_name, input_tokens, output_tokens) IN (
                SELECT
                    workspace,
                    service_name,
                    input_uncached_tokens + cache_read_tokens + cache_write_5m_tokens + cache_write_1h_tokens,
                    output_tokens
                FROM settling_spans
                WHERE version = {version:UInt64} AND role = 'call' AND parent_span_id = '' AND usage_source = 'provider'
            )
        )
    )
