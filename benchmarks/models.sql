-- models: one made-up call of each of the models that benchmarks use, so that the settler asks the price book about them.
-- grain: one row a span, into spans: one trace. parameters: models (how many), trace_id, at (its start).
INSERT INTO spans
    (workspace, trace_id, span_id, name, kind, service_name, scope_name, started_at, ended_at, duration_ns, status, dialect, role,
    operation, provider, request_model, response_model, usage_source, input_uncached_tokens, output_tokens, received_at,
    journal_id, sequence)
SELECT
    'aliases',
    {trace_id:String},
    lower(leftPad(hex(row_number() OVER (ORDER BY cityHash64(provider, model))), 16, '0')),
    'chat', 'client', 'benchmark', 'spanledger', {at:DateTime64(9)}, {at:DateTime64(9)}, 0, 'unset', 'spanledger', 'call',
    'chat', provider, model, model, 'provider', 100, 10, {at:DateTime64(9)}, 'benchmark', 1
FROM
(
    SELECT DISTINCT provider, model
    FROM prices
    WHERE provider IN ('openai', 'anthropic', 'google', 'deepseek', 'mistral', 'x-ai', 'groq', 'azure', 'aws')
        AND service_tier = '' AND region = '' AND context_over_tokens = 0 AND valid_to > now() AND output_usd_per_token > 0
    ORDER BY cityHash64(provider, model)
    LIMIT {models:UInt64}
)
