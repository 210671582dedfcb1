-- spans_to_root_calls: notes the calls that are a trace of their own, or of which another may be one.
-- grain: one or two rows a span, written by the same INSERT that writes the spans.
CREATE MATERIALIZED VIEW IF NOT EXISTS spans_to_root_calls TO root_calls AS
SELECT
    workspace,
    told_as,
    service_name,
    input_uncached_tokens + cache_read_tokens + cache_write_5m_tokens + cache_write_1h_tokens AS input_tokens,
    output_tokens,
    started_at,
    ended_at,
    trace_id,
    span_id,
    scope_name,
    replaceRegexpOne(lower(splitByChar('/', if(response_model != '', response_model, request_model))[-1]), '^(?:[a-z-]+\\.)+', '') AS model,
    response_id,
    status = 'error' AS failed,
    attributes['spanledger.response.told_apart'] = 'true' AS told_apart
FROM spans
ARRAY JOIN
    arrayConcat(
        if(
            parent_span_id = '' AND usage_source = 'provider' AND input_tokens + output_tokens > 0,
            [cityHash64(toString(service_name), input_uncached_tokens + cache_read_tokens + cache_write_5m_tokens + cache_write_1h_tokens, output_tokens)],
            []
        ),
        if(response_id = '', [], [cityHash64(toString(service_name), response_id)])
    ) AS told_as
WHERE role = 'call'
    AND ((parent_span_id = '' AND usage_source = 'provider' AND input_tokens + output_tokens > 0) OR (told_apart AND response_id != ''))
