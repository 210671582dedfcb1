-- overtaken_traces: traces to settle again after a settlement.
-- grain: one row a trace; mostly none. parameters: version = the settlement.
-- 1. Traces whose spans a newer settlement has read as well (two collectors settle one trace at once). The newer one's rows
--    win, and it may have read before this one did: only settling again tells.
-- 2. Traces settled before whose root call is told by a root of this settlement's traces too, or by a call that is told apart:
--    they counted it alone.
WITH
    -- As root_calls has them.
    roots AS
    (
        SELECT
            workspace,
            trace_id,
            span_id,
            service_name,
            scope_name,
            response_id,
            told_apart,
            started_at,
            ended_at,
            input_uncached_tokens + cache_read_tokens + cache_write_5m_tokens + cache_write_1h_tokens AS input_tokens,
            output_tokens,
            arrayJoin(arrayConcat(
                if(parent_span_id = '', [cityHash64(toString(service_name), input_tokens, output_tokens)], []),
                if(response_id = '', [], [cityHash64(toString(service_name), response_id)])
            )) AS told_as
        FROM settling_spans
        WHERE version = {version:UInt64} AND role = 'call' AND ((parent_span_id = '' AND usage_source = 'provider') OR told_apart)
    )
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
FROM roots
INNER JOIN
(
    SELECT
        workspace,
        told_as,
        service_name AS other_service,
        input_tokens AS other_input,
        output_tokens AS other_output,
        trace_id AS other_trace,
        span_id AS other_span,
        scope_name AS other_scope,
        response_id AS other_id,
        started_at AS other_started,
        ended_at AS other_ended
    FROM root_calls
    WHERE (workspace, told_as) IN (SELECT workspace, told_as FROM roots)
) AS r USING (workspace, told_as)
WHERE other_service = service_name
    AND other_scope != scope_name
    AND (workspace, other_trace) NOT IN (SELECT workspace, trace_id FROM settling WHERE version = {version:UInt64})
    AND if(
        other_id = '',
        other_input = input_tokens AND other_output = output_tokens AND (
            (started_at >= other_started AND ended_at <= other_ended)
            OR (response_id != '' AND started_at <= other_started AND ended_at >= other_ended)
        ),
        other_id = response_id AND started_at <= other_ended AND ended_at >= other_started
        AND (
            told_apart
            OR (toUnixTimestamp64Nano(ended_at) - toUnixTimestamp64Nano(started_at), span_id)
                < (toUnixTimestamp64Nano(other_ended) - toUnixTimestamp64Nano(other_started), other_span)
        )
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
            WHERE (workspace, told_as) IN (SELECT workspace, told_as FROM roots)
        )
    )
