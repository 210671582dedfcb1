-- gather_spans: copies the spans of the given traces to where the steps of a settlement read them.
-- grain: one row a span, into settling_spans: the copy with the lowest sequence, also when copies are of different days.
-- region: as the teller says, else by the host that was called (OpenAI's data residency, Vertex AI, Bedrock).
-- purpose: as told (spanledger.purpose), else an evaluator's work is appraisal, a guardrail's and a moderation call prevention.
-- prompt_name, prompt_version: as told by us, Langfuse, OpenInference or Traceloop.
-- provider: the operator's word about a host (SPANLEDGER_PROVIDERS) before any other. Who calls a server of models of their
--   own with OpenAI's client tells `openai`: at an address of a private network nobody's list price holds (self_hosted;
--   ollama at its port). Our own SDK says so itself (hosts.py).
-- parameters: version = the settlement; its traces are in settling. hosts = host, or host:port, and providers: what the operator
--   says, joined by newlines. private_host = pattern of addresses of one's own network (hosts.py).
INSERT INTO settling_spans
    (version,
    workspace, tenant, trace_id, span_id, parent_span_id, name, kind, service_name, scope_name, started_at, ended_at,
    duration_ns, status, error_type, dialect, role, operation, provider, request_model, response_model, response_id, told_apart, request_id,
    service_tier, region, streaming, usage_source, usage_partial, usage_assumed, input_uncached_tokens, cache_read_tokens,
    cache_write_5m_tokens, cache_write_1h_tokens, output_tokens, reasoning_tokens, processed_input_tokens, processed_output_tokens, units, input_tokens_low,
    input_tokens_high, output_tokens_low, output_tokens_high, ttft_ns, run_id, parent_run_id, agent_name, agent_id,
    agent_version, workflow_name, tool_name, tool_call_id, rpc_id, conversation_id, external_key, purpose, prompt_name, prompt_version, tags, attempt_number,
    retry_reasons, retry_wait_seconds, retry_of, rework_of, rework_reason, flops_prefill, flops_decode, flops_total, flops_low, flops_high, flops_method, vram_weights_bytes,
    vram_kv_bytes, vram_peak_bytes, gpu_seconds, gpu_model, gpu_mfu, gpu_mbu, emitted_cost_usd, received_at)
SELECT
    {version:UInt64},
    workspace, tenant, trace_id, span_id, parent_span_id, name, kind, service_name, scope_name, started_at, ended_at,
    duration_ns, status, error_type, dialect, role, operation,
    multiIf(
        server_address != '' AND has(splitByChar('\n', {hosts:String}), concat(server_address, ':', server_port)),
            splitByChar('\n', {providers:String})[indexOf(splitByChar('\n', {hosts:String}), concat(server_address, ':', server_port))],
        server_address != '' AND has(splitByChar('\n', {hosts:String}), server_address),
            splitByChar('\n', {providers:String})[indexOf(splitByChar('\n', {hosts:String}), server_address)],
        told_provider != 'openai' OR dialect = 'spanledger', toString(told_provider),
        server_port = '11434', 'ollama',
        match(server_address, {private_host:String}), 'self_hosted',
        toString(told_provider)
    ) AS provider,
    request_model, response_model, response_id,
    attributes['spanledger.response.told_apart'] = 'true' AND response_id != '' AS told_apart,
    attributes['spanledger.response.request_id'],
    service_tier,
    lower(coalesce(
        nullIf(attributes['spanledger.inference.region'], ''),
        nullIf(extract(server_address, '^([a-z]{2})\\.api\\.openai\\.com$'), ''),
        nullIf(extract(server_address, '^([a-z0-9-]+)-aiplatform\\.googleapis\\.com$'), ''),
        extract(server_address, '^bedrock-runtime(?:-fips)?\\.([a-z0-9-]+)\\.amazonaws\\.com$')
    )) AS region,
    streaming, usage_source, usage_partial, usage_assumed, input_uncached_tokens, cache_read_tokens,
    cache_write_5m_tokens, cache_write_1h_tokens, output_tokens, reasoning_tokens,
    toUInt64OrZero(attributes['spanledger.usage.processed.input_tokens']) AS processed_input_tokens,
    toUInt64OrZero(attributes['spanledger.usage.processed.output_tokens']) AS processed_output_tokens,
    units, input_tokens_low,
    input_tokens_high, output_tokens_low, output_tokens_high, ttft_ns, run_id, parent_run_id, agent_name, agent_id,
    agent_version, workflow_name, tool_name,
    coalesce(nullIf(attributes['gen_ai.tool.call.id'], ''), nullIf(attributes['ai.toolCall.id'], ''), attributes['tool.id']) AS tool_call_id,
    coalesce(nullIf(attributes['jsonrpc.request.id'], ''), attributes['mcp.request.id']) AS rpc_id,
    conversation_id, attributes['spanledger.external_key'],
    multiIf(
        attributes['spanledger.purpose'] IN ('work', 'appraisal', 'prevention'), attributes['spanledger.purpose'],
        operation = 'evaluator', 'appraisal',
        operation IN ('guardrail', 'moderation'), 'prevention',
        ''
    ) AS purpose,
    coalesce(
        nullIf(attributes['spanledger.prompt.name'], ''),
        nullIf(attributes['langfuse.observation.prompt.name'], ''),
        attributes['traceloop.prompt.key']
    ) AS prompt_name,
    coalesce(
        nullIf(attributes['spanledger.prompt.version'], ''),
        nullIf(attributes['langfuse.observation.prompt.version'], ''),
        nullIf(attributes['llm.prompt_template.version'], ''),
        attributes['traceloop.prompt.version']
    ) AS prompt_version,
    tags, attempt_number, retry_reasons, retry_wait_seconds, retry_of, rework_of, rework_reason, flops_prefill, flops_decode, flops_total, flops_low, flops_high, flops_method, vram_weights_bytes,
    vram_kv_bytes, vram_peak_bytes, gpu_seconds, gpu_model,
    if(isFinite(toFloat64OrZero(attributes['spanledger.gpu.mfu']) AS told_mfu) AND told_mfu > 0, told_mfu, NULL) AS gpu_mfu,
    if(isFinite(toFloat64OrZero(attributes['spanledger.gpu.mbu']) AS told_mbu) AND told_mbu > 0, told_mbu, NULL) AS gpu_mbu,
    emitted_cost_usd, received_at
FROM
(
    SELECT
        * EXCEPT (provider),
        provider AS told_provider,
        coalesce(
            nullIf(attributes['server.port'], ''),
            nullIf(extract(attributes['server.address'], ':([0-9]+)(?:/|$)'), ''),
            extract(attributes['gen_ai.openai.api_base'], ':([0-9]+)(?:/|$)')
        ) AS server_port
    FROM spans
)
WHERE (workspace, toDate(started_at), trace_id) IN (
    SELECT
        workspace,
        day,
        trace_id
    FROM arrivals
    WHERE (workspace, trace_id) IN (SELECT workspace, trace_id FROM settling WHERE version = {version:UInt64})
)
ORDER BY
    sequence,
    journal_id
LIMIT 1 BY
    workspace,
    trace_id,
    span_id
