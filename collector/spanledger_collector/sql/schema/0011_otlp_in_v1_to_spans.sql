-- otlp_in_v1_to_spans: decodes and normalises every inserted export request into rows of spans.
-- grain: one row a span. Rendered from load/transform.sql.template and load/dialects.yaml by
-- `python -m spanledger_collector.load.render`: edit those, never this file.
-- Staged subqueries: each stage starts with short column names, which keeps the engine's analysis of the
-- statement (a fixed cost of every INSERT) small. From the innermost outwards: resources, scopes, spans,
-- the known attributes, their texts, order of precedence, fields, tokens, columns.
-- An attribute is read as text, cut at 256 bytes, then typed: so 12, '12', 12.0 and 12.7 are all twelve
-- tokens. What is no number, is negative, or more than one call can have or 2^40 in all, makes the usage missing; nothing wraps. Units beside tokens
-- keep six decimals, the rest is cut off. No call uses nothing: one told as 0 of everything has its usage missing, unless
-- its teller says that nothing is billed.
CREATE MATERIALIZED VIEW IF NOT EXISTS otlp_in_v1_to_spans TO spans AS
SELECT
    workspace,
    multiIf(pinned_tenant != '', pinned_tenant, text_tenant != '', text_tenant, resource_tenant) AS tenant,
    trace_id,
    span_id,
    parent_span_id,
    name,
    transform(kind, [1, 2, 3, 4, 5], ['internal', 'server', 'client', 'producer', 'consumer'], 'unspecified') AS kind,
    service_name,
    scope_name,
    scope_version,
    fromUnixTimestamp64Nano(toInt64(start_ns), 'UTC') AS started_at,
    fromUnixTimestamp64Nano(toInt64(start_ns + lasted_ns), 'UTC') AS ended_at,
    lasted_ns AS duration_ns,
    transform(status, [1, 2], ['ok', 'error'], 'unset') AS status,
    text_error_type AS error_type,
    dialect,
    role,
    operation,
    if(host_provider != '', host_provider, transform(lower(text_provider), ['az.ai.openai', 'azure', 'azure_openai', 'az.ai.inference', 'vertex_ai', 'vertexai', 'gemini', 'google', 'google_genai', 'google_generativeai', 'xai', 'amazon_bedrock', 'bedrock', 'aws', 'mistralai', 'mistral', 'moonshot', 'watsonx', 'togetherai', 'together', 'openai.chat', 'openai.responses', 'openai.completion', 'openai.embedding', 'anthropic.messages', 'google.generative-ai', 'google.vertex.chat', 'vertex.anthropic.messages', 'google.vertex.anthropic.messages', 'amazon-bedrock', 'azure.chat', 'azure.responses', 'azure-openai.chat', 'azure-openai.responses', 'mistral.chat', 'groq.chat', 'xai.chat', 'xai.responses', 'cohere.chat', 'deepseek.chat', 'togetherai.chat', 'strands-agents', 'microsoft.agent_framework', 'gcp.vertex.agent', 'langchain', 'langgraph', 'llamaindex', 'llama_index', 'crewai', 'haystack', 'traceloop'], ['azure.ai.openai', 'azure.ai.openai', 'azure.ai.openai', 'azure.ai.inference', 'gcp.vertex_ai', 'gcp.vertex_ai', 'gcp.gemini', 'gcp.gemini', 'gcp.gemini', 'gcp.gemini', 'x_ai', 'aws.bedrock', 'aws.bedrock', 'aws.bedrock', 'mistral_ai', 'mistral_ai', 'moonshot_ai', 'ibm.watsonx.ai', 'together_ai', 'together_ai', 'openai', 'openai', 'openai', 'openai', 'anthropic', 'gcp.gemini', 'gcp.vertex_ai', 'gcp.vertex_ai', 'gcp.vertex_ai', 'aws.bedrock', 'azure.ai.openai', 'azure.ai.openai', 'azure.ai.openai', 'azure.ai.openai', 'mistral_ai', 'groq', 'x_ai', 'x_ai', 'cohere', 'deepseek', 'together_ai', '', '', '', '', '', '', '', '', '', ''], lower(text_provider))) AS provider,
    text_request_model AS request_model,
    text_response_model AS response_model,
    text_response_id AS response_id,
    called_host AS server_address,
    transform(lower(text_service_tier), ['standard', 'default', 'auto', 'standard_only'], ['', '', '', ''], lower(text_service_tier)) AS service_tier,
    lower(text_streaming) IN ('true', '1') AS streaming,
    -- Some send the list as JSON text.
    arrayFlatten(arrayMap(r -> if(startsWith(r, '["'), JSONExtract(r, 'Array(String)'), [r]), list_finish_reasons)) AS finish_reasons,
    multiIf(
        absurd, 'missing',
        text_usage_source IN ('missing', 'none'), text_usage_source,
        lower(text_cache_hit) IN ('true', '1') and (blank or text_usage_source = ''), 'none',
        blank and (metered or role IN ('call', 'engine')), 'missing',
        text_usage_source IN ('provider', 'estimated'), text_usage_source,
        metered, if(self_counted, 'estimated', 'provider'),
        if(role IN ('call', 'engine'), 'missing', '')
    ) AS usage_source,
    if(self_counted, 'emitter', text_usage_method) AS usage_method,
    lower(text_usage_partial) IN ('true', '1') AS usage_partial,
    multiIf(
        not usable, false,
        own, false,
        unfit, not declared_exclusive,
        reasoning > number_output, not reasoning_outside,
        number_cache_read + cache_write > 0, dialect IN ['generic'],
        false
    ) AS usage_assumed,
    multiIf(not usable, 0, own, number_own_input_uncached, exclusive, number_input, number_input - number_cache_read - cache_write) AS input_uncached_tokens,
    multiIf(not usable, 0, own, number_own_cache_read, number_cache_read) AS cache_read_tokens,
    multiIf(not usable, 0, own, number_own_cache_write_5m, cache_write - cache_write_1h) AS cache_write_5m_tokens,
    multiIf(not usable, 0, own, number_own_cache_write_1h, cache_write_1h) AS cache_write_1h_tokens,
    multiIf(
        not usable, 0,
        own, number_own_output,
        number_output + if(reasoning > number_output or reasoning_outside, reasoning, 0)
    ) AS output_tokens,
    if(usable, reasoning, 0) AS reasoning_tokens,
    -- The cached part of a kind of input is inside that kind, as the conventions have it: taken out, so that no token is in two.
    -- An answer whose output nobody told was not empty: it stands as a unit that no price has a rate for.
    mapFilter(
        (name, amount) -> amount > 0 and usable,
        mapFromArrays(
            arrayConcat(unit_names, ['output_untold']),
            arrayConcat(
                arrayMap((name, amount) -> amount - least(amount, amounts[indexOf(unit_names, transform(name, ['audio_input', 'image_input', 'video_input'], ['audio_cache_read', 'image_cache_read', 'video_cache_read'], ''))]), unit_names, amounts),
                [toDecimal128(output_untold, 6)]
            )
        )
    ) AS units,
    if(usable, if(bitShiftRight(number_input_low, 40) = 0, number_input_low, 0), 0) AS input_tokens_low,
    if(usable, if(bitShiftRight(number_input_high, 40) = 0, number_input_high, 0), 0) AS input_tokens_high,
    if(usable, if(bitShiftRight(number_output_low, 40) = 0, number_output_low, 0), 0) AS output_tokens_low,
    if(usable, if(bitShiftRight(number_output_high, 40) = 0, number_output_high, 0), 0) AS output_tokens_high,
    multiIf(
        ttft > 0, if(lower(text_streaming) IN ('false', '0'), toUInt64(0), toUInt64(least(ttft, 9e18))),
        first_token_ns > raw_start_ns, toUInt64(first_token_ns - raw_start_ns),
        toUInt64(0)
    ) AS ttft_ns,
    text_run_id AS run_id,
    text_parent_run_id AS parent_run_id,
    multiIf(text_agent_name != '', text_agent_name, role = 'agent', text_entity_name, '') AS agent_name,
    text_agent_id AS agent_id,
    text_agent_version AS agent_version,
    multiIf(text_workflow_name != '', text_workflow_name, role = 'workflow', text_entity_name, '') AS workflow_name,
    multiIf(text_tool_name != '', text_tool_name, role = 'tool', text_entity_name, '') AS tool_name,
    text_conversation_id AS conversation_id,
    mapFromArrays(arrayMap(i -> if(length(substring(keys[i], 16)) > 256, replaceRegexpOne(toValidUTF8(substring(substring(keys[i], 16), 1, 256)), '\\x{FFFD}$', ''), substring(keys[i], 16)), tag_index), arrayMap(i -> texts[i], tag_index)) AS tags,
    toUInt16(least(greatest(if(number_attempt_number > 0, number_attempt_number, number_resend_count + 1), 1), 65535)) AS attempt_number,
    list_retry_reasons AS retry_reasons,
    arrayMap(t -> if(isFinite(toFloat64OrZero(t)), greatest(toFloat64OrZero(t), 0), 0), list_retry_wait_seconds) AS retry_wait_seconds,
    text_retry_of AS retry_of,
    text_rework_of AS rework_of,
    text_rework_reason AS rework_reason,
    greatest(number_flops_prefill, 0) AS flops_prefill,
    greatest(number_flops_decode, 0) AS flops_decode,
    greatest(number_flops_total, 0) AS flops_total,
    greatest(number_flops_low, 0) AS flops_low,
    greatest(number_flops_high, 0) AS flops_high,
    text_flops_method AS flops_method,
    greatest(number_vram_weights, 0) AS vram_weights_bytes,
    greatest(number_vram_kv, 0) AS vram_kv_bytes,
    greatest(number_vram_peak, 0) AS vram_peak_bytes,
    text_vram_source AS vram_source,
    if(isFinite(gpu_time), least(greatest(gpu_time, 0), 1e15), 0) AS gpu_seconds,
    text_gpu_model AS gpu_model,
    toUInt16(least(greatest(number_gpu_count, 0), 65535)) AS gpu_count,
    multiIf(
        upper(text_emitted_currency) NOT IN ('', 'USD'), NULL,
        dialect IN ['openlit_anthropic', 'openlit'], nullIf(toDecimal128OrNull(text_emitted_cost, 12), 0),
        toDecimal128OrNull(text_emitted_cost, 12)
    ) AS emitted_cost_usd,
    mapFromArrays(arrayMap(i -> keys[i], kept_index), arrayMap(i -> texts[i], kept_index)) AS attributes,
    fromUnixTimestamp64Nano(toInt64(received_at_ns), 'UTC') AS received_at,
    journal_id,
    sequence
FROM
(
    SELECT
        *,
        if(malformed, true, if(role IN ('call', 'engine'), if(own, bitShiftRight(bitOr(bitOr(bitOr(bitOr(number_own_input_uncached, number_own_cache_read), number_own_cache_write_5m), number_own_cache_write_1h), number_own_output), 27) != 0, if(foreign, bitShiftRight(bitOr(bitOr(bitOr(bitOr(bitOr(number_input, number_output), number_cache_read), number_cache_write), number_cache_write_5m), number_cache_write_1h), 27) != 0, false)), false)) AS absurd,
        if(absurd, false, metered) AS usable,
        role = 'call' and not own and not output_told and number_input > 0 and status != 2
            and operation IN ('chat', 'text_completion', 'generate_content') AS output_untold,
        if(number_cache_write_5m + number_cache_write_1h <= cache_write, number_cache_write_1h, 0) AS cache_write_1h,
        number_input < number_cache_read + cache_write AS unfit,
        declared_exclusive or unfit AS exclusive,
        arrayFirst((p, e, i) -> endsWith(concat('.', called_host), e) and position(called_host, i) > 0, ['openai', 'azure.ai.openai', 'azure.ai.openai', 'azure.ai.openai', 'azure.ai.openai', 'azure.ai.inference', 'azure.ai.inference', 'anthropic', 'groq', 'deepseek', 'openrouter', 'together_ai', 'together_ai', 'x_ai', 'mistral_ai', 'perplexity', 'fireworks', 'cerebras', 'cohere', 'cohere', 'gcp.gemini', 'gcp.vertex_ai', 'aws.bedrock', 'aws.bedrock', 'moonshot_ai', 'moonshot_ai', 'zai', 'zhipuai', 'minimax', 'minimax', 'minimax', 'novita', 'deepinfra', 'huggingface', 'huggingface', 'nvidia_nim', 'dashscope', 'sambanova', 'vercel_ai_gateway', 'cloudflare_ai_gateway', 'cloudflare', 'github', 'github', 'github-copilot', 'baseten', 'nscale', 'nebius', 'nebius', 'hyperbolic', 'ovhcloud', 'databricks', 'databricks', 'ibm.watsonx.ai', 'meta', 'voyageai', 'ai21', 'arcee'], ['.api.openai.com', '.openai.azure.com', '.openai.azure.us', '.openai.azure.cn', '.cognitiveservices.azure.com', '.services.ai.azure.com', '.models.ai.azure.com', '.api.anthropic.com', '.api.groq.com', '.api.deepseek.com', '.openrouter.ai', '.api.together.xyz', '.api.together.ai', '.api.x.ai', '.api.mistral.ai', '.api.perplexity.ai', '.api.fireworks.ai', '.api.cerebras.ai', '.api.cohere.com', '.api.cohere.ai', '.generativelanguage.googleapis.com', '.googleapis.com', '.amazonaws.com', '.api.aws', '.api.moonshot.ai', '.api.moonshot.cn', '.api.z.ai', '.open.bigmodel.cn', '.api.minimax.io', '.api.minimax.chat', '.api.minimaxi.com', '.api.novita.ai', '.api.deepinfra.com', '.router.huggingface.co', '.endpoints.huggingface.cloud', '.integrate.api.nvidia.com', '.aliyuncs.com', '.api.sambanova.ai', '.ai-gateway.vercel.sh', '.gateway.ai.cloudflare.com', '.api.cloudflare.com', '.models.github.ai', '.models.inference.ai.azure.com', '.api.githubcopilot.com', '.inference.baseten.co', '.api.nscale.com', '.api.studio.nebius.com', '.api.tokenfactory.nebius.com', '.api.hyperbolic.xyz', '.endpoints.ai.cloud.ovh.net', '.databricks.com', '.azuredatabricks.net', '.ml.cloud.ibm.com', '.api.llama.com', '.api.voyageai.com', '.api.ai21.com', '.api.arcee.ai'], ['', '', '', '', '', '', '', '', '', '', '', '', '', '', '', '', '', '', '', '', '', 'aiplatform', 'bedrock', 'bedrock', '', '', '', '', '', '', '', '', '', '', '', '', 'dashscope', '', '', '', '', '', '', '', '', '', '', '', '', '', '', '', '', '', '', '', '']) AS host_provider,
        self_counting and metered AS self_counted,
        multiIf(
            forced_role != '', forced_role,
            name_role != '', name_role,
            known_role != '', known_role,
            metered, 'call',
            'other'
        ) AS role
    FROM
    (
        SELECT
            *,
            own or foreign or notEmpty(unit_index) AS metered,
            replaceRegexpOne(lower(text_server_address), '(?s)^(?:[a-z0-9+.-]+://)?(?:[^/\\x40]*\\x40)?([^:/\\x40]+|\\[[^\\]]*\\])(?::[0-9]+)?(?:[/?].*)?$', '\\1') AS called_host,
            multiIf(impossible, true, own, bitShiftRight(bitOr(bitOr(bitOr(bitOr(number_own_input_uncached, number_own_cache_read), number_own_cache_write_5m), number_own_cache_write_1h), number_own_output), 40) != 0, foreign, bitShiftRight(bitOr(bitOr(bitOr(bitOr(bitOr(number_input, number_output), number_cache_read), number_cache_write), number_cache_write_5m), number_cache_write_1h), 40) != 0, false) AS malformed,
            bitOr(bitOr(bitOr(bitOr(bitOr(bitOr(bitOr(bitOr(bitOr(bitOr(bitOr(bitOr(bitOr(number_own_input_uncached, number_own_cache_read), number_own_cache_write_5m), number_own_cache_write_1h), number_own_output), number_input), number_output), number_cache_read), number_cache_write), number_cache_write_5m), number_cache_write_1h), number_reasoning), number_input_high), number_output_high) = 0 and not arrayExists(amount -> amount > 0, amounts) AS blank,
            if(number_cache_write > 0, number_cache_write, number_cache_write_5m + number_cache_write_1h) AS cache_write,
            toInt64(if(bitShiftRight(number_total, 40) = 0, number_total, 0)) - toInt64(if(bitShiftRight(number_input, 40) = 0, number_input, 0)) - toInt64(if(bitShiftRight(number_output, 40) = 0, number_output, 0)) AS beside_both,
            if(bitShiftRight(number_reasoning, 40) = 0, number_reasoning, 0) AS told_reasoning,
            if(
                dialect IN ['openllmetry_google'] and told_reasoning = 0 and number_input > 0,
                toUInt64(greatest(beside_both, 0)),
                told_reasoning
            ) AS reasoning,
            input_exclusive or dialect IN ['otel_bedrock', 'openllmetry_bedrock', 'openlit_anthropic', 'claude_code'] or concat(dialect, ' ', lower(text_provider)) IN ['vercel_ai_v5 anthropic.messages', 'vercel_ai_v5 vertex.anthropic.messages', 'vercel_ai_v5 google.vertex.anthropic.messages', 'vercel_ai_v5 amazon-bedrock', 'agentops anthropic'] AS declared_exclusive,
            output_exclusive or dialect IN ['openllmetry_google'] AS reasoning_outside,
            transform(told_operation, ['chat', 'generate_content', 'text_completion', 'completion', 'llm', 'embeddings', 'embedding', 'rerank', 'reranker', 'image_generation', 'speech', 'transcription', 'translation', 'moderation', 'ocr', 'submit_batch', 'fetch_batch', 'retrieval', 'retriever', 'fetch_response', 'count_tokens', 'create_agent', 'invoke_agent', 'agent', 'invoke_workflow', 'workflow', 'handle_conversation_turn', 'plan', 'task', 'load_model', 'record', 'execute_task', 'chain', 'execute_tool', 'tool', 'guardrail', 'evaluator', 'prompt', 'decision', 'chat_model', 'generation', 'llm_request', 'claude_code.llm_request', 'interaction', 'claude_code.interaction', 'claude_code.tool', 'ai.generatetext', 'ai.streamtext', 'ai.generateobject', 'ai.streamobject', 'ai.embed', 'ai.embedmany', 'ai.generatetext.dogenerate', 'ai.streamtext.dostream', 'ai.generateobject.dogenerate', 'ai.streamobject.dostream', 'ai.embed.doembed', 'ai.embedmany.doembed', 'ai.toolcall', 'execute_event_loop_cycle', 'agent_step', 'execute_method', 'session', 'parser', 'span', 'event', 'default', 'unknown'], ['chat', 'generate_content', 'text_completion', 'text_completion', 'chat', 'embeddings', 'embeddings', 'rerank', 'rerank', 'image_generation', 'speech', 'transcription', 'translation', 'moderation', 'ocr', 'submit_batch', 'fetch_batch', 'retrieval', 'retrieval', 'fetch_response', 'count_tokens', 'create_agent', 'invoke_agent', 'invoke_agent', 'invoke_workflow', 'invoke_workflow', 'handle_conversation_turn', 'plan', 'task', 'load_model', 'record', 'task', 'task', 'execute_tool', 'execute_tool', 'guardrail', 'evaluator', 'prompt', 'decision', 'chat', 'chat', 'chat', 'chat', 'invoke_agent', 'invoke_agent', 'execute_tool', 'invoke_agent', 'invoke_agent', 'task', 'task', 'task', 'task', 'chat', 'chat', 'chat', 'chat', 'embeddings', 'embeddings', 'execute_tool', 'task', 'task', 'task', 'invoke_workflow', 'parser', '', '', '', ''], told_operation) AS operation,
            transform(told_operation, ['chat', 'generate_content', 'text_completion', 'completion', 'llm', 'embeddings', 'embedding', 'rerank', 'reranker', 'image_generation', 'speech', 'transcription', 'translation', 'moderation', 'ocr', 'submit_batch', 'fetch_batch', 'retrieval', 'retriever', 'fetch_response', 'count_tokens', 'create_agent', 'invoke_agent', 'agent', 'invoke_workflow', 'workflow', 'handle_conversation_turn', 'plan', 'task', 'load_model', 'record', 'execute_task', 'chain', 'execute_tool', 'tool', 'guardrail', 'evaluator', 'prompt', 'decision', 'chat_model', 'generation', 'llm_request', 'claude_code.llm_request', 'interaction', 'claude_code.interaction', 'claude_code.tool', 'ai.generatetext', 'ai.streamtext', 'ai.generateobject', 'ai.streamobject', 'ai.embed', 'ai.embedmany', 'ai.generatetext.dogenerate', 'ai.streamtext.dostream', 'ai.generateobject.dogenerate', 'ai.streamobject.dostream', 'ai.embed.doembed', 'ai.embedmany.doembed', 'ai.toolcall', 'execute_event_loop_cycle', 'agent_step', 'execute_method', 'session', 'parser', 'span', 'event', 'default', 'unknown'], ['call', 'call', 'call', 'call', 'call', 'call', 'call', 'call', 'call', 'call', 'call', 'call', 'call', 'call', 'call', 'other', 'other', 'other', 'other', 'ignore', 'ignore', 'other', 'agent', 'agent', 'workflow', 'workflow', 'workflow', 'task', 'task', 'task', 'record', 'task', 'task', 'tool', 'tool', 'other', 'other', 'other', 'call', 'call', 'call', 'call', 'call', 'agent', 'agent', 'tool', 'agent', 'agent', 'task', 'task', 'task', 'task', 'call', 'call', 'call', 'call', 'call', 'call', 'tool', 'task', 'task', 'task', 'workflow', 'other', 'other', 'other', 'other', 'other'], '') AS known_role,
            transform(concat(dialect, ' ', name), ['anthropic_sdk anthropic.messages.count_tokens', 'anthropic_sdk anthropic.beta.messages.count_tokens', 'litellm raw_gen_ai_request', 'google_adk call_llm', 'google_adk invocation', 'vllm llm_request'], ['ignore', 'ignore', 'ignore', 'task', 'workflow', 'engine'], '') AS name_role,
            '' AS forced_role
        FROM
        (
            SELECT
                workspace, pinned_tenant, received_at_ns, sequence, journal_id, resource_tenant, service_name, scope_name, scope_version, trace_id, span_id, parent_span_id, name, kind, status, raw_start_ns, start_ns, lasted_ns, first_token_ns,
                dialect,
                keys,
                texts,
                kept_index,
                tag_index,
                unit_index,
                arrayConcat(
                    arrayMap(i -> transform(fields[i], [1, 2, 3, 4, 5, 6, 7, 8, 9], ['audio_input', 'image_input', 'video_input', 'audio_cache_read', 'image_cache_read', 'video_cache_read', 'audio_output', 'image_output', 'video_output'], ''), part_index),
                    arrayMap(i -> if(length(substring(keys[i], 24)) > 256, replaceRegexpOne(toValidUTF8(substring(substring(keys[i], 24), 1, 256)), '\\x{FFFD}$', ''), substring(keys[i], 24)), unit_index)
                ) AS unit_names,
                arrayMap(i -> ifNull(toDecimal128OrNull(texts[i], 6), toDecimal128(-1, 6)), unit_index) AS beside,
                arrayExists(amount -> amount < 0 or amount >= 1099511627776, beside) AS impossible,
                arrayConcat(arrayMap(i -> toDecimal128(numbers[i], 6), part_index), beside) AS amounts,
                hasAny(fields, [10, 11, 12, 13, 14]) AS own,
                hasAny(fields, [15, 16, 17, 18, 19, 20]) AS foreign,
                has(fields, 16) AS output_told,
                keys[indexOf(fields, 15)] IN ['langfuse.observation.usage_details/input'] AS input_exclusive,
                keys[indexOf(fields, 16)] IN ['langfuse.observation.usage_details/output'] AS output_exclusive,
                dialect IN ['openlit']
                    and lower(texts[indexOf(fields, 49)]) IN ('true', '1')
                    and not has(fields, 17) AS self_counting,
                lower(texts[indexOf(fields, 42)]) AS told_operation,
                ifNull(toFloat64OrNull(texts[indexOf(fields, 38)]), 0) * multiIf(keys[indexOf(fields, 38)] = 'spanledger.response.time_to_first_token', 1000000000, keys[indexOf(fields, 38)] = 'gen_ai.response.time_to_first_chunk', 1000000000, keys[indexOf(fields, 38)] = 'gen_ai.server.time_to_first_token' and dialect = 'strands', 1000000, keys[indexOf(fields, 38)] = 'gen_ai.server.time_to_first_token', 1000000000, keys[indexOf(fields, 38)] = 'gen_ai.client.operation.time_to_first_chunk', 1000000000, keys[indexOf(fields, 38)] = 'gen_ai.latency.time_to_first_token', 1000000000, keys[indexOf(fields, 38)] = 'gen_ai.streaming.time_to_first_token', 1000000000, keys[indexOf(fields, 38)] = 'ai.response.msToFirstChunk', 1000000, keys[indexOf(fields, 38)] = 'ttft_ms', 1000000, 0) AS ttft,
                ifNull(toFloat64OrNull(texts[indexOf(fields, 39)]), 0) AS gpu_time,
                numbers[indexOf(fields, 10)] AS number_own_input_uncached,
numbers[indexOf(fields, 11)] AS number_own_cache_read,
numbers[indexOf(fields, 12)] AS number_own_cache_write_5m,
numbers[indexOf(fields, 13)] AS number_own_cache_write_1h,
numbers[indexOf(fields, 14)] AS number_own_output,
numbers[indexOf(fields, 15)] AS number_input,
numbers[indexOf(fields, 16)] AS number_output,
numbers[indexOf(fields, 17)] AS number_cache_read,
numbers[indexOf(fields, 18)] AS number_cache_write,
numbers[indexOf(fields, 19)] AS number_cache_write_5m,
numbers[indexOf(fields, 20)] AS number_cache_write_1h,
numbers[indexOf(fields, 21)] AS number_reasoning,
numbers[indexOf(fields, 22)] AS number_total,
numbers[indexOf(fields, 23)] AS number_input_low,
numbers[indexOf(fields, 24)] AS number_input_high,
numbers[indexOf(fields, 25)] AS number_output_low,
numbers[indexOf(fields, 26)] AS number_output_high,
numbers[indexOf(fields, 27)] AS number_attempt_number,
numbers[indexOf(fields, 28)] AS number_resend_count,
numbers[indexOf(fields, 29)] AS number_flops_prefill,
numbers[indexOf(fields, 30)] AS number_flops_decode,
numbers[indexOf(fields, 31)] AS number_flops_total,
numbers[indexOf(fields, 32)] AS number_flops_low,
numbers[indexOf(fields, 33)] AS number_flops_high,
numbers[indexOf(fields, 34)] AS number_vram_weights,
numbers[indexOf(fields, 35)] AS number_vram_kv,
numbers[indexOf(fields, 36)] AS number_vram_peak,
numbers[indexOf(fields, 37)] AS number_gpu_count,
texts[indexOf(fields, 38)] AS text_ttft_ns,
texts[indexOf(fields, 39)] AS text_gpu_seconds,
texts[indexOf(fields, 40)] AS text_emitted_cost,
texts[indexOf(fields, 41)] AS text_emitted_currency,
texts[indexOf(fields, 42)] AS text_operation,
texts[indexOf(fields, 43)] AS text_provider,
texts[indexOf(fields, 44)] AS text_request_model,
texts[indexOf(fields, 45)] AS text_response_model,
texts[indexOf(fields, 46)] AS text_response_id,
texts[indexOf(fields, 47)] AS text_server_address,
texts[indexOf(fields, 48)] AS text_service_tier,
texts[indexOf(fields, 49)] AS text_streaming,
texts[indexOf(fields, 50)] AS text_cache_hit,
texts[indexOf(fields, 51)] AS text_error_type,
texts[indexOf(fields, 52)] AS text_usage_source,
texts[indexOf(fields, 53)] AS text_usage_method,
texts[indexOf(fields, 54)] AS text_usage_partial,
texts[indexOf(fields, 55)] AS text_run_id,
texts[indexOf(fields, 56)] AS text_parent_run_id,
texts[indexOf(fields, 57)] AS text_agent_name,
texts[indexOf(fields, 58)] AS text_agent_id,
texts[indexOf(fields, 59)] AS text_agent_version,
texts[indexOf(fields, 60)] AS text_workflow_name,
texts[indexOf(fields, 61)] AS text_tool_name,
texts[indexOf(fields, 62)] AS text_entity_name,
texts[indexOf(fields, 63)] AS text_conversation_id,
texts[indexOf(fields, 64)] AS text_tenant,
texts[indexOf(fields, 65)] AS text_retry_of,
texts[indexOf(fields, 66)] AS text_rework_of,
texts[indexOf(fields, 67)] AS text_rework_reason,
texts[indexOf(fields, 68)] AS text_flops_method,
texts[indexOf(fields, 69)] AS text_vram_source,
texts[indexOf(fields, 70)] AS text_gpu_model,
if(texts[indexOf(fields, 71)] != '' and empty(lists[indexOf(fields, 71)]), [texts[indexOf(fields, 71)]], lists[indexOf(fields, 71)]) AS list_finish_reasons,
if(texts[indexOf(fields, 72)] != '' and empty(lists[indexOf(fields, 72)]), [texts[indexOf(fields, 72)]], lists[indexOf(fields, 72)]) AS list_retry_reasons,
if(texts[indexOf(fields, 73)] != '' and empty(lists[indexOf(fields, 73)]), [texts[indexOf(fields, 73)]], lists[indexOf(fields, 73)]) AS list_retry_wait_seconds
            FROM
            (
            SELECT
                workspace, pinned_tenant, received_at_ns, sequence, journal_id, resource_tenant, service_name, scope_name, scope_version, trace_id, span_id, parent_span_id, name, kind, status, raw_start_ns, start_ns, lasted_ns, first_token_ns,
                dialect,
                arrayMap(x -> toUInt16(bitShiftRight(x, 48)), sorted) AS fields,
                arraySort((v, x) -> x, known_numbers, order) AS numbers,
                arraySort((v, x) -> x, known_texts, order) AS texts,
                arraySort((v, x) -> x, known_keys, order) AS keys,
                arraySort((v, x) -> x, elements, order) AS lists,
                arrayEnumerateUniq(keys) AS copies,
                arrayFilter((i, n, f) -> n = 1 and f <= 74, arrayEnumerate(keys), copies, fields) AS kept_index,
                arrayFilter((i, n, f) -> n = 1 and f = 76, arrayEnumerate(keys), copies, fields) AS tag_index,
                -- Fields are in order: parts come first, units beside tokens last. Most spans have neither.
                if(
                    fields[-1] = 77,
                    arrayFilter(
                        (i, n, f, k) -> n = 1 and f = 77 and k != 'spanledger.usage.units.',
                        arrayEnumerate(keys), copies, fields, keys
                    ),
                    []
                ) AS unit_index,
                if(
                    fields[1] <= 9,
                    arrayFilter(
                        (i, n, f, v) -> n = 1 and f >= 1 and f <= 9 and v > 0 and bitShiftRight(v, 40) = 0,
                        arrayEnumerate(fields), arrayEnumerateUniq(fields), fields, numbers
                    ),
                    []
                ) AS part_index
            FROM
            (
                SELECT
                    workspace, pinned_tenant, received_at_ns, sequence, journal_id, resource_tenant, service_name, scope_name, scope_version, trace_id, span_id, parent_span_id, name, kind, status, raw_start_ns, start_ns, lasted_ns, first_token_ns,
                    dialect,
                    known_keys,
                    known_texts,
                    elements,
                    arrayMap((t, f) -> if(f <= 37, ifNull(toInt64OrNull(t), ifNull(if(abs(toFloat64OrNull(t)) < 9.2e18, toInt64(toFloat64OrNull(t)), -1), -1)), 0), known_texts, known_fields) AS known_numbers,
                    arrayMap(
                        (f, c, t, n, i) -> bitOr(
                            bitOr(
                                bitShiftLeft(toUInt64(f), 48),
                                bitShiftLeft(toUInt64(multiIf(f > 37, t = '', n > 0, 0, n = 0, 1, 2)), 32)
                            ),
                            bitOr(bitShiftLeft(toUInt64(bitAnd(c, 65535)), 16), toUInt64(i))
                        ),
                        known_fields, known_codes, known_texts, known_numbers, arrayEnumerate(known_codes)
                    ) AS order,
                    arraySort(order) AS sorted
                FROM
                (
                SELECT
                    workspace, pinned_tenant, received_at_ns, sequence, journal_id, resource_tenant, service_name, scope_name, scope_version, trace_id, span_id, parent_span_id, name, kind, status, raw_start_ns, start_ns, lasted_ns, first_token_ns,
                    dialect,
                    arrayConcat(outer_keys, arrayMap(l -> l.1, leaves)) AS known_keys,
                    arrayConcat(outer_codes, arrayMap(l -> l.2, leaves)) AS known_codes,
                    arrayMap(c -> toUInt16(bitAnd(bitShiftRight(c, 16), 1023)), known_codes) AS known_fields,
                    arrayConcat(outer_elements, arrayMap(l -> [], leaves)) AS elements,
                    arrayConcat(outer_texts, arrayMap(l -> if(length(l.3) > 256, replaceRegexpOne(toValidUTF8(substring(l.3, 1, 256)), '\\x{FFFD}$', ''), l.3), leaves)) AS known_texts
                FROM
                (
                    SELECT
                        workspace, pinned_tenant, received_at_ns, sequence, journal_id, resource_tenant, service_name, scope_name, scope_version, trace_id, span_id, parent_span_id, name, kind, status, raw_start_ns, start_ns, lasted_ns, first_token_ns,
                        dialect,
                        known_keys AS outer_keys,
                        known_codes AS outer_codes,
                        -- Names inside objects, four levels deep, and their values: text without its quotes, nothing for null.
                        arrayFilter(
                            l -> l.2 != 0 and l.3 != 'null',
                            arrayMap(
                                l -> (l.1, transform(l.1, ['gen_ai.usage.input_token_details/audio', 'metadata.usage_object/prompt_tokens_details.audio_tokens', 'langfuse.observation.usage_details/prompt_tokens_details.audio_tokens', 'gen_ai.usage.output_token_details/audio', 'metadata.usage_object/completion_tokens_details.audio_tokens', 'langfuse.observation.usage_details/completion_tokens_details.audio_tokens', 'langfuse.observation.usage_details/input', 'langfuse.observation.usage_details/prompt_tokens', 'langfuse.observation.usage_details/input_tokens', 'mlflow.chat.tokenUsage/input_tokens', 'langsmith.usage_metadata/input_tokens', 'langsmith.metadata.usage_metadata/input_tokens', 'crewai.crew.usage_metrics/prompt_tokens', 'crewai.flow.aggregated_crew_usage_metrics/prompt_tokens', 'langfuse.observation.usage_details/output', 'langfuse.observation.usage_details/completion_tokens', 'langfuse.observation.usage_details/output_tokens', 'mlflow.chat.tokenUsage/output_tokens', 'langsmith.usage_metadata/output_tokens', 'langsmith.metadata.usage_metadata/output_tokens', 'crewai.crew.usage_metrics/completion_tokens', 'crewai.flow.aggregated_crew_usage_metrics/completion_tokens', 'ai.response.providerMetadata/anthropic.cacheReadInputTokens', 'ai.response.providerMetadata/anthropic.usage.cache_read_input_tokens', 'ai.response.providerMetadata/bedrock.usage.cacheReadInputTokens', 'ai.response.providerMetadata/openai.cachedPromptTokens', 'langfuse.observation.usage_details/input_cached_tokens', 'langfuse.observation.usage_details/input_cache_read', 'langfuse.observation.usage_details/cache_read_input_tokens', 'langfuse.observation.usage_details/prompt_tokens_details.cached_tokens', 'langfuse.observation.usage_details/input_tokens_details.cached_tokens', 'gen_ai.usage.raw/prompt_tokens_details.cached_tokens', 'gen_ai.usage.raw/input_tokens_details.cached_tokens', 'gen_ai.usage.raw/cache_read_input_tokens', 'gen_ai.usage.input_token_details/cache_read', 'langsmith.usage_metadata/input_token_details.cache_read', 'langsmith.metadata.usage_metadata/input_token_details.cache_read', 'mlflow.chat.tokenUsage/cache_read_input_tokens', 'metadata.usage_object/cache_read_input_tokens', 'metadata.usage_object/prompt_tokens_details.cached_tokens', 'crewai.crew.usage_metrics/cached_prompt_tokens', 'crewai.flow.aggregated_crew_usage_metrics/cached_prompt_tokens', 'ai.response.providerMetadata/anthropic.cacheCreationInputTokens', 'ai.response.providerMetadata/anthropic.usage.cache_creation_input_tokens', 'ai.response.providerMetadata/bedrock.usage.cacheWriteInputTokens', 'langfuse.observation.usage_details/input_cache_creation', 'langfuse.observation.usage_details/cache_creation_input_tokens', 'gen_ai.usage.raw/cache_creation_input_tokens', 'gen_ai.usage.input_token_details/cache_creation', 'langsmith.usage_metadata/input_token_details.cache_creation', 'langsmith.metadata.usage_metadata/input_token_details.cache_creation', 'mlflow.chat.tokenUsage/cache_creation_input_tokens', 'metadata.usage_object/cache_creation_input_tokens', 'metadata.usage_object/prompt_tokens_details.cache_creation_tokens', 'metadata.usage_object/prompt_tokens_details.cache_write_tokens', 'crewai.crew.usage_metrics/cache_creation_tokens', 'crewai.flow.aggregated_crew_usage_metrics/cache_creation_tokens', 'gen_ai.usage.raw/cache_creation.ephemeral_5m_input_tokens', 'ai.response.providerMetadata/anthropic.usage.cache_creation.ephemeral_5m_input_tokens', 'langfuse.observation.usage_details/input_cache_creation_5m', 'langfuse.observation.usage_details/cache_creation.ephemeral_5m_input_tokens', 'langfuse.observation.usage_details/input_ephemeral_5m_input_tokens', 'gen_ai.usage.input_token_details/ephemeral_5m_input_tokens', 'langsmith.usage_metadata/input_token_details.ephemeral_5m_input_tokens', 'langsmith.metadata.usage_metadata/input_token_details.ephemeral_5m_input_tokens', 'metadata.usage_object/prompt_tokens_details.cache_creation_token_details.ephemeral_5m_input_tokens', 'gen_ai.usage.raw/cache_creation.ephemeral_1h_input_tokens', 'ai.response.providerMetadata/anthropic.usage.cache_creation.ephemeral_1h_input_tokens', 'langfuse.observation.usage_details/input_cache_creation_1h', 'langfuse.observation.usage_details/cache_creation.ephemeral_1h_input_tokens', 'langfuse.observation.usage_details/input_ephemeral_1h_input_tokens', 'gen_ai.usage.input_token_details/ephemeral_1h_input_tokens', 'langsmith.usage_metadata/input_token_details.ephemeral_1h_input_tokens', 'langsmith.metadata.usage_metadata/input_token_details.ephemeral_1h_input_tokens', 'metadata.usage_object/prompt_tokens_details.cache_creation_token_details.ephemeral_1h_input_tokens', 'mlflow.chat.tokenUsage/cache_creation_input_tokens_above_1hr', 'ai.response.providerMetadata/openai.reasoningTokens', 'langfuse.observation.usage_details/output_reasoning_tokens', 'langfuse.observation.usage_details/output_reasoning', 'langfuse.observation.usage_details/completion_tokens_details.reasoning_tokens', 'langfuse.observation.usage_details/output_tokens_details.reasoning_tokens', 'gen_ai.usage.raw/completion_tokens_details.reasoning_tokens', 'gen_ai.usage.raw/output_tokens_details.reasoning_tokens', 'gen_ai.usage.output_token_details/reasoning', 'langsmith.usage_metadata/output_token_details.reasoning', 'langsmith.metadata.usage_metadata/output_token_details.reasoning', 'metadata.usage_object/completion_tokens_details.reasoning_tokens', 'crewai.crew.usage_metrics/reasoning_tokens', 'crewai.flow.aggregated_crew_usage_metrics/reasoning_tokens', 'langfuse.observation.cost_details/total', 'mlflow.llm.cost/total_cost', 'langsmith.usage_metadata/total_cost', 'langsmith.metadata.usage_metadata/total_cost', 'mlflow.spanType/', 'mlflow.llm.provider/', 'mlflow.llm.model/', 'gen_ai.usage.raw/service_tier', 'mlflow.trace.session/', 'langfuse.observation.cost_details/input', 'langfuse.observation.cost_details/output', 'mlflow.llm.cost/input_cost', 'mlflow.llm.cost/output_cost'], [2214658051, 65540, 3623944197, 2215051267, 458756, 3624337413, 3624861703, 3624861704, 3624861705, 3155099658, 3222208523, 3222208524, 2752446478, 2752446479, 3624927238, 3624927239, 3624927240, 3155165193, 3222274058, 3222274059, 2752512013, 2752512014, 3356557322, 3356557323, 3356557324, 3356557325, 3624992782, 3624992783, 3624992784, 3624992785, 3624992786, 2215706643, 2215706644, 2215706645, 2215706646, 3222339607, 3222339608, 3155230745, 1114138, 1114139, 2752577564, 2752577565, 3356622858, 3356622859, 3356622860, 3625058317, 3625058318, 2215772175, 2215772176, 3222405137, 3222405138, 3155296275, 1179668, 1179669, 1179670, 2752643095, 2752643096, 2215837699, 3356688388, 3625123845, 3625123846, 3625123847, 2215837704, 3222470665, 3222470666, 1245195, 2215903235, 3356753924, 3625189381, 3625189382, 3625189383, 2215903240, 3222536201, 3222536202, 1310731, 3155427340, 3356819465, 3625254922, 3625254923, 3625254924, 3625254925, 2215968782, 2215968783, 2215968784, 3222601745, 3222601746, 1376275, 2752839700, 2752839701, 3626500105, 3156738058, 3223846923, 3223846924, 3156869127, 3156934662, 3157000199, 2217738244, 3158245383, 3628728466, 3628728467, 3158966431, 3158966432], toUInt32(0)), if(startsWith(l.2, '"'), JSONExtractString(l.2), l.2)),
                                arrayFold(
                                    (found, level) -> arrayFlatten(arrayMap(
                                        l -> if(
                                            startsWith(l.2, '{'),
                                            arrayMap(p -> (concat(l.1, if(level = 0, '', '.'), p.1), p.2), JSONExtractKeysAndValuesRaw(l.2)),
                                            [l]
                                        ),
                                        found
                                    )),
                                    range(4),
                                    arrayMap(
                                        (k, t) -> (concat(k, '/'), if(
                                            k IN ['gen_ai.usage.input_token_details', 'gen_ai.usage.output_token_details', 'metadata.usage_object'],
                                            replaceAll(replaceAll(replaceAll(replaceAll(t, '\'', '"'), 'None', 'null'), 'True', 'true'), 'False', 'false'),
                                            t
                                        )),
                                        arrayFilter((k, c) -> bitAnd(bitShiftRight(c, 16), 1023) = 75, known_keys, known_codes),
                                        arrayFilter((t, c) -> bitAnd(bitShiftRight(c, 16), 1023) = 75, known_strings, known_codes)
                                    )
                                )
                            )
                        ) AS leaves,
                        arrayMap(
                            (t, es, et, en, ed, eb) -> if(
                                t = 'array_value',
                                arrayMap(
                                    (kind, s, n, d, b) -> multiIf(
                                        kind = 'string_value', if(length(s) > 256, replaceRegexpOne(toValidUTF8(substring(s, 1, 256)), '\\x{FFFD}$', ''), s),
                                        kind = 'int_value', toString(n),
                                        kind = 'double_value', toString(d),
                                        kind = 'bool_value', if(b, 'true', 'false'),
                                        ''
                                    ),
                                    arraySlice(et, 1, 128), arraySlice(es, 1, 128), arraySlice(en, 1, 128), arraySlice(ed, 1, 128), arraySlice(eb, 1, 128)
                                ),
                                []
                            ),
                            known_types, element_strings, element_types, element_integers, element_doubles, element_bools
                        ) AS outer_elements,
                        arrayMap(
                            (t, s, n, d, b, e) -> multiIf(
                                t = 'string_value', if(length(s) > 256, replaceRegexpOne(toValidUTF8(substring(s, 1, 256)), '\\x{FFFD}$', ''), s),
                                t = 'int_value', toString(n),
                                t = 'double_value', toString(d),
                                t = 'bool_value', if(b, 'true', 'false'),
                                if(length(arrayStringConcat(e, ',')) > 256, replaceRegexpOne(toValidUTF8(substring(arrayStringConcat(e, ','), 1, 256)), '\\x{FFFD}$', ''), arrayStringConcat(e, ','))
                            ),
                            known_types, known_strings, known_integers, known_doubles, known_bools, outer_elements
                        ) AS outer_texts
                    FROM
                    (
                        SELECT
                            workspace, pinned_tenant, received_at_ns, sequence, journal_id, resource_tenant, service_name, scope_name, scope_version, trace_id, span_id, parent_span_id, name, kind, status, raw_start_ns, start_ns, lasted_ns, first_token_ns,
                            arrayMax(arrayMap(c -> bitShiftRight(c, 26), codes)) AS marker,
                            transform(marker, [63, 62, 61, 60, 59, 58, 57, 56, 55, 54, 53, 52, 51, 50, 49, 48, 47, 46, 45, 44, 43, 42, 41, 40, 39, 38, 37, 36, 35, 34, 33], ['spanledger', 'anthropic_sdk', 'openinference', 'otel_bedrock', 'otel', 'openllmetry_bedrock', 'openllmetry_google', 'openlit_anthropic', 'openlit', 'langfuse', 'pydantic_ai', 'logfire', 'vercel_ai', 'vercel_ai_v5', 'vercel_ai_otel', 'langsmith', 'mlflow', 'litellm', 'strands', 'agent_framework', 'azure_ai', 'google_adk', 'crewai', 'vllm', 'claude_code', 'agentops', 'laminar', 'sentry', 'mistral_sdk', 'openllmetry', 'generic'], '') AS key_dialect,
                            if(scope_dialect != '', scope_dialect, key_dialect) AS dialect,
                            arrayFilter((v, c) -> c != 0, codes, codes) AS known_codes,
                            arrayFilter((v, c) -> c != 0, types, codes) AS known_types,
                            arrayFilter((v, c) -> c != 0, attribute_keys, codes) AS known_keys,
                            arrayFilter((v, c) -> c != 0, strings, codes) AS known_strings,
                            arrayFilter((v, c) -> c != 0, integers, codes) AS known_integers,
                            arrayFilter((v, c) -> c != 0, doubles, codes) AS known_doubles,
                            arrayFilter((v, c) -> c != 0, bools, codes) AS known_bools,
                            arrayFilter((v, c) -> c != 0, strings_in, codes) AS element_strings,
                            arrayFilter((v, c) -> c != 0, types_in, codes) AS element_types,
                            arrayFilter((v, c) -> c != 0, integers_in, codes) AS element_integers,
                            arrayFilter((v, c) -> c != 0, doubles_in, codes) AS element_doubles,
                            arrayFilter((v, c) -> c != 0, bools_in, codes) AS element_bools
                        FROM
                        (
                            SELECT
                                workspace, pinned_tenant, resource_tenant, received_at_ns, sequence, journal_id,
                                service_name, scope_name, scope_version, scope_dialect, kind, status,
                                lower(hex(raw_trace_id)) AS trace_id,
                                lower(hex(raw_span_id)) AS span_id,
                                lower(hex(raw_parent_span_id)) AS parent_span_id,
                                if(length(raw_name) > 256, replaceRegexpOne(toValidUTF8(substring(raw_name, 1, 256)), '\\x{FFFD}$', ''), raw_name) AS name,
                                raw_start_ns,
                                least(greatest(raw_start_ns, 1577836800000000000), received_at_ns + 86400000000000) = raw_start_ns AS timely,
                                if(timely, raw_start_ns, received_at_ns) AS start_ns,
                                if(timely, greatest(least(raw_end_ns, received_at_ns + 86400000000000), raw_start_ns) - raw_start_ns, 0) AS lasted_ns,
                                event_times[indexOf(event_names, 'First Token Stream Event')] AS first_token_ns,
                                arrayMap((k, t) -> multiIf(bitTest(62, toUInt8(t)) = 0, toUInt32(0), startsWith(k, 'spanledger.tag.'), toUInt32(4980736), startsWith(k, 'spanledger.usage.units.'), toUInt32(4232904704), transform(k, ['gen_ai.usage.audio.input_tokens', 'llm.token_count.prompt_details.audio', 'gen_ai.usage.details.input_audio_tokens', 'gen_ai.usage.image.input_tokens', 'spanledger.usage.video.input_tokens', 'gen_ai.usage.audio.cache_read.input_tokens', 'gen_ai.usage.image.cache_read.input_tokens', 'spanledger.usage.video.cache_read.input_tokens', 'gen_ai.usage.audio.output_tokens', 'llm.token_count.completion_details.audio', 'gen_ai.usage.details.output_audio_tokens', 'gen_ai.usage.image.output_tokens', 'spanledger.usage.video.output_tokens', 'spanledger.usage.input_uncached_tokens', 'spanledger.usage.cache_read_tokens', 'spanledger.usage.cache_write_5m_tokens', 'spanledger.usage.cache_write_1h_tokens', 'spanledger.usage.output_tokens', 'gen_ai.usage.input_tokens', 'gen_ai.usage.prompt_tokens', 'llm.token_count.prompt', 'ai.usage.inputTokens', 'ai.usage.promptTokens', 'ai.usage.tokens', 'llm.usage.prompt_tokens', 'gen_ai.aggregated_usage.input_tokens', 'decision.token_count.input', 'gen_ai.usage.output_tokens', 'gen_ai.usage.completion_tokens', 'llm.token_count.completion', 'ai.usage.outputTokens', 'ai.usage.completionTokens', 'llm.usage.completion_tokens', 'gen_ai.aggregated_usage.output_tokens', 'decision.token_count.output', 'gen_ai.usage.cache_read.input_tokens', 'gen_ai.usage.cache_read_input_tokens', 'llm.token_count.prompt_details.cache_read', 'llm.token_count.prompt_details.cache_input', 'gen_ai.usage.input_tokens.cached', 'gen_ai.usage.prompt_tokens_details.cached_tokens', 'gen_ai.usage.details.cache_read_tokens', 'gen_ai.aggregated_usage.cache_read.input_tokens', 'ai.usage.inputTokenDetails.cacheReadTokens', 'ai.usage.cachedInputTokens', 'gen_ai.usage.cache_write.input_tokens', 'gen_ai.usage.cache_creation.input_tokens', 'gen_ai.usage.cache_creation_input_tokens', 'llm.token_count.prompt_details.cache_write', 'gen_ai.usage.cache_write_input_tokens', 'gen_ai.usage.input_tokens.cache_write', 'gen_ai.usage.details.cache_write_tokens', 'gen_ai.aggregated_usage.cache_creation.input_tokens', 'gen_ai.aggregated_usage.cache_write.input_tokens', 'ai.usage.inputTokenDetails.cacheWriteTokens', 'anthropic.usage.cache_creation.ephemeral_5m_input_tokens', 'gen_ai.usage.details.ephemeral_5m_input_tokens', 'gen_ai.aggregated_usage.details.ephemeral_5m_input_tokens', 'anthropic.usage.cache_creation.ephemeral_1h_input_tokens', 'gen_ai.usage.details.ephemeral_1h_input_tokens', 'gen_ai.aggregated_usage.details.ephemeral_1h_input_tokens', 'gen_ai.usage.reasoning.output_tokens', 'gen_ai.usage.reasoning_tokens', 'llm.token_count.completion_details.reasoning', 'gen_ai.usage.output_tokens.reasoning', 'gen_ai.usage.details.reasoning_tokens', 'gen_ai.aggregated_usage.details.reasoning_tokens', 'gen_ai.usage.completion_tokens_details.reasoning_tokens', 'ai.usage.outputTokenDetails.reasoningTokens', 'ai.usage.reasoningTokens', 'gen_ai.usage.total_tokens', 'spanledger.usage.input_tokens.low', 'spanledger.usage.input_tokens.high', 'spanledger.usage.output_tokens.low', 'spanledger.usage.output_tokens.high', 'spanledger.attempt.number', 'http.request.resend_count', 'spanledger.flops.prefill', 'spanledger.flops.decode', 'spanledger.flops.total', 'spanledger.flops.low', 'spanledger.flops.high', 'spanledger.vram.weights_bytes', 'spanledger.vram.kv_bytes', 'spanledger.vram.peak_bytes', 'spanledger.gpu.count', 'spanledger.response.time_to_first_token', 'gen_ai.response.time_to_first_chunk', 'gen_ai.server.time_to_first_token', 'gen_ai.client.operation.time_to_first_chunk', 'gen_ai.latency.time_to_first_token', 'gen_ai.streaming.time_to_first_token', 'ai.response.msToFirstChunk', 'spanledger.gpu.seconds', 'gen_ai.usage.cost.amount', 'operation.cost', 'llm.cost.total', 'gen_ai.cost.total_cost', 'litellm.cost.total', 'gen_ai.usage.cost', 'gen_ai.token.cost.total', 'gen_ai.usage.total_cost', 'gen_ai.cost.total_tokens', 'gen_ai.usage.cost.currency', 'gen_ai.operation.name', 'openinference.span.kind', 'traceloop.span.kind', 'llm.request.type', 'ai.operationId', 'langfuse.observation.type', 'langsmith.span.kind', 'lmnr.span.type', 'agentops.span.kind', 'gen_ai.request.type', 'gen_ai.provider.name', 'gen_ai.system', 'llm.provider', 'llm.system', 'llm.vendor', 'ai.model.provider', 'langsmith.metadata.ls_provider', 'gen_ai.request.model', 'llm.request.model_name', 'llm.request.model', 'embedding.model_name', 'reranker.model_name', 'ai.model.id', 'langfuse.observation.model.name', 'langsmith.metadata.ls_model_name', 'gen_ai.response.model', 'llm.response.model_name', 'llm.response.model', 'ai.response.model', 'llm.model_name', 'gen_ai.response.id', 'ai.response.id', 'server.address', 'gen_ai.openai.api_base', 'openai.response.service_tier', 'gen_ai.openai.response.service_tier', 'anthropic.response.service_tier', 'gen_ai.response.service_tier', 'openai.request.service_tier', 'gen_ai.openai.request.service_tier', 'gen_ai.request.stream', 'gen_ai.is_streaming', 'llm.is_streaming', 'gen_ai.request.streaming', 'langsmith.request.streaming', 'litellm.cache_hit', 'error.type', 'spanledger.usage.source', 'spanledger.usage.method', 'spanledger.usage.partial', 'spanledger.run.id', 'spanledger.run.parent.id', 'crewai.agent.role', 'gen_ai.agent.name', 'agent.name', 'gen_ai.agent.id', 'agent.id', 'gen_ai.agent.version', 'gen_ai.workflow.name', 'traceloop.workflow.name', 'gen_ai.tool.name', 'tool.name', 'ai.toolCall.name', 'traceloop.entity.name', 'ai.telemetry.functionId', 'gen_ai.conversation.id', 'gen_ai.thread.id', 'langsmith.metadata.thread_id', 'session.id', 'langfuse.session.id', 'ai.telemetry.metadata.sessionId', 'lmnr.association.properties.session_id', 'gcp.vertex.agent.session_id', 'microsoft.session.id', 'traceloop.association.properties.session_id', 'spanledger.tenant.id', 'traceloop.association.properties.customer_id', 'litellm.team.id', 'metadata.user_api_key_team_id', 'microsoft.tenant.id', 'spanledger.retry.of', 'spanledger.rework.of', 'spanledger.rework.reason', 'spanledger.flops.method', 'spanledger.vram.source', 'spanledger.gpu.model', 'gen_ai.response.finish_reasons', 'llm.finish_reason', 'anthropic.message.stop_reason', 'ai.response.finishReason', 'spanledger.retry.reason', 'spanledger.retry.wait_seconds', 'spanledger.inference.region', 'spanledger.usage.processed.input_tokens', 'spanledger.usage.processed.output_tokens', 'spanledger.task.id', 'spanledger.task.name', 'spanledger.task.version', 'spanledger.workflow.id', 'spanledger.workflow.version', 'spanledger.tool.version', 'spanledger.retry.count', 'spanledger.retry.cause', 'spanledger.retry.attempt_seconds', 'spanledger.response.deferred', 'spanledger.response.request_id', 'spanledger.response.told_apart', 'spanledger.gpu.mfu', 'spanledger.gpu.mbu', 'spanledger.server.recomputed_tokens', 'spanledger.server.total_ns', 'spanledger.server.queue_ns', 'spanledger.server.load_ns', 'spanledger.server.prefill_ns', 'spanledger.server.decode_ns', 'spanledger.server.drafted_tokens', 'spanledger.server.accepted_tokens', 'spanledger.server.cache_untold', 'spanledger.flops.wasted', 'spanledger.record.id', 'spanledger.record.recorded_at', 'spanledger.record.reason', 'spanledger.subject.trace_id', 'spanledger.subject.run_id', 'spanledger.subject.span_id', 'spanledger.subject.external_key', 'spanledger.external_key', 'spanledger.purpose', 'spanledger.prompt.name', 'spanledger.prompt.version', 'spanledger.budget.exceeded', 'spanledger.budget.key', 'spanledger.budget.limit_usd', 'spanledger.budget.name', 'spanledger.budget.reserved_usd', 'spanledger.budget.spent_usd', 'spanledger.budget.wanted_usd', 'spanledger.revenue.amount', 'spanledger.revenue.currency', 'spanledger.outcome', 'spanledger.outcome.unit', 'spanledger.outcome.quantity', 'spanledger.value.amount', 'spanledger.value.currency', 'spanledger.evaluation.verdict', 'spanledger.expense.amount', 'spanledger.expense.currency', 'spanledger.expense.category', 'spanledger.effort.minutes', 'spanledger.effort.role', 'spanledger.asset.id', 'spanledger.asset.entry', 'spanledger.asset.kind', 'spanledger.asset.amount', 'spanledger.asset.currency', 'spanledger.asset.method', 'spanledger.asset.unit', 'spanledger.asset.expected_units', 'spanledger.asset.expected_units.low', 'spanledger.asset.expected_units.high', 'spanledger.asset.life_days', 'spanledger.asset.salvage', 'spanledger.asset.agent.name', 'spanledger.asset.agent.version', 'spanledger.asset.to', 'spanledger.asset.measured', 'spanledger.training.asset', 'spanledger.training.gpu_hours', 'spanledger.training.steps', 'spanledger.training.tokens', 'spanledger.training.tokens_per_second', 'spanledger.training.stall_share', 'spanledger.training.checkpoints', 'spanledger.training.checkpoint_bytes', 'spanledger.training.flops', 'spanledger.training.hardware_flops', 'spanledger.training.mfu', 'spanledger.training.hfu', 'spanledger.training.mbu', 'spanledger.training.mbu.low', 'spanledger.training.mbu.high', 'spanledger.training.mbu.method', 'spanledger.training.failed', 'gen_ai.evaluation.name', 'gen_ai.evaluation.score.value', 'gen_ai.evaluation.score.label', 'gen_ai.usage.text.input_tokens', 'gen_ai.usage.text.output_tokens', 'gen_ai.usage.text.cache_read.input_tokens', 'gen_ai.usage.cost.source', 'gen_ai.request.reasoning.level', 'gen_ai.request.max_tokens', 'gen_ai.request.temperature', 'gen_ai.request.top_p', 'gen_ai.request.choice.count', 'gen_ai.tool.call.id', 'gen_ai.tool.type', 'gen_ai.embeddings.dimension.count', 'mcp.method.name', 'mcp.protocol.version', 'mcp.request.id', 'jsonrpc.request.id', 'server.port', 'http.response.status_code', 'user.id', 'enduser.id', 'anthropic.request.id', 'anthropic.organization.id', 'anthropic.workspace.id', 'anthropic.usage.compaction.input_tokens', 'anthropic.usage.compaction.output_tokens', 'llm.usage.total_tokens', 'llm.user', 'traceloop.entity.path', 'traceloop.correlation.id', 'traceloop.prompt.key', 'traceloop.prompt.version', 'traceloop.association.properties.user_id', 'llm.prompt_template.version', 'llm.token_count.total', 'llm.cost.prompt', 'llm.cost.completion', 'llm.cost.prompt_details.cache_read', 'llm.cost.prompt_details.cache_write', 'llm.cost.completion_details.reasoning', 'graph.node.id', 'graph.node.parent_id', 'tool.id', 'gen_ai.client.token.usage', 'gen_ai.request.user', 'gen_ai.token.cost.input', 'gen_ai.token.cost.output', 'openlit.agent.version_hash', 'langfuse.user.id', 'langfuse.environment', 'langfuse.observation.prompt.name', 'langfuse.observation.prompt.version', 'langfuse.observation.level', 'gen_ai.agent.call.id', 'pydantic_ai.model_request.attempt', 'logfire.span_type', 'ai.usage.totalTokens', 'ai.usage.inputTokenDetails.noCacheTokens', 'ai.telemetry.metadata.userId', 'ai.toolCall.id', 'ai.settings.maxRetries', 'langsmith.metadata.usage_scope', 'langsmith.metadata.user_id', 'langsmith.trace.name', 'litellm.provider.model', 'litellm.call_id', 'litellm.saved_cache_cost', 'gen_ai.cost.input_cost', 'gen_ai.cost.output_cost', 'gen_ai.cost.cache_read_cost', 'gen_ai.cost.cache_creation_cost', 'gen_ai.cost.tool_usage_cost', 'gen_ai.cost.original_cost', 'gen_ai.cost.discount_amount', 'gen_ai.cost.margin_total_amount', 'litellm.cost.input', 'litellm.cost.output', 'litellm.cost.cache_read', 'litellm.cost.cache_creation', 'litellm.end_user.id', 'metadata.user_api_key_end_user_id', 'metadata.user_api_key_org_id', 'metadata.user_api_key_user_id', 'event_loop.cycle_id', 'gen_ai.tool.status', 'aws.agentcore.gateway.routing_experiment_arn', 'workflow.id', 'microsoft.agent.user.id', 'gen_ai.task.id', 'gen_ai.thread.run.id', 'gcp.vertex.agent.invocation_id', 'gcp.vertex.agent.event_id', 'crewai.crew.id', 'crewai.crew.name', 'crewai.task.id', 'crewai.execution_uuid', 'crewai.guardrail.retry_count', 'crewai.event_name', 'gen_ai.request.id', 'gen_ai.request.n', 'gen_ai.latency.e2e', 'gen_ai.latency.time_in_queue', 'gen_ai.latency.time_in_model_prefill', 'gen_ai.latency.time_in_model_decode', 'gen_ai.latency.time_in_model_inference', 'gen_ai.usage.input_cost', 'gen_ai.usage.output_cost', 'lmnr.association.properties.user_id', 'langfuse.observation.usage_details', 'langfuse.observation.cost_details', 'gen_ai.usage.raw', 'ai.response.providerMetadata', 'gen_ai.usage.input_token_details', 'gen_ai.usage.output_token_details', 'langsmith.usage_metadata', 'langsmith.metadata.usage_metadata', 'mlflow.chat.tokenUsage', 'mlflow.llm.cost', 'mlflow.llm.model', 'mlflow.llm.provider', 'mlflow.spanType', 'mlflow.trace.session', 'metadata.usage_object', 'crewai.crew.usage_metrics', 'crewai.flow.aggregated_crew_usage_metrics'], [2214658048, 4093706241, 2214658050, 2214723584, 4228055040, 2214854656, 2214920192, 4228251648, 2215051264, 4094099457, 2215051266, 2215116800, 4228448256, 4228513792, 4228579328, 4228644864, 4228710400, 4228775936, 2215575552, 2215575553, 4094623746, 3356426243, 3356426244, 3356426245, 2282684422, 3557752845, 983057, 2215641088, 2215641089, 4094689282, 3356491779, 3356491780, 2282749957, 3557818380, 1048592, 2215706624, 2215706625, 4094754818, 4094754819, 2417033220, 2215706629, 2215706630, 3557883911, 3423666184, 3356557321, 2215772160, 2215772161, 2215772162, 4094820355, 2215772164, 2417098757, 2215772166, 3557949447, 3557949448, 3423731721, 4161994752, 2215837697, 3558014978, 4162060288, 2215903233, 3558080514, 2215968768, 2215968769, 4095016962, 2215968771, 2215968772, 3558146053, 2215968774, 3356819463, 3356819464, 2216034304, 4229365760, 4229431296, 4229496832, 4229562368, 1769472, 1835008, 1900544, 1966080, 2031616, 2097152, 2162688, 2228224, 2293760, 2359296, 2424832, 2490368, 2217082881, 2217082882, 2217082883, 2686844932, 2552627205, 3357933574, 2555904, 2217213952, 2621441, 2621442, 3089629187, 3089629188, 2217213957, 2217213958, 2217213959, 2217213960, 2217279488, 2217345024, 4096393217, 2284453890, 2284453891, 3358195716, 3626631173, 3223977990, 2485780488, 2552889353, 2552889354, 2217410560, 2217410561, 2818050, 2818051, 2818052, 3358261253, 3224043527, 2217476096, 2883585, 2883586, 2883587, 2883588, 3358326789, 3626762246, 3224109064, 2217541632, 2949121, 2949122, 3358392323, 2949124, 2217607168, 3358457857, 3080192, 2217672705, 3145728, 2217738241, 4163895298, 2217738243, 3145733, 2217738246, 2217803776, 2217803777, 3211266, 2553348099, 3224436740, 3090284544, 3342336, 4231266304, 4231331840, 4231397376, 3604480, 3670016, 2755198976, 2218328065, 3735554, 2218393600, 3801089, 2218459136, 2218524672, 2285633537, 2218590208, 3997697, 3359440898, 2285764608, 3359506433, 2218721280, 2889809921, 3225354242, 4128771, 3628007428, 3359571973, 2487156742, 2822701064, 2956918793, 2285830154, 4194304, 2285895681, 3091202050, 4194307, 2956984324, 4259840, 4325376, 4390912, 4456448, 4521984, 4587520, 2219245568, 4653057, 4165402626, 3360096259, 4718592, 4784128, 4849664, 4232708097, 4232708098, 4849667, 4849668, 4849669, 4849670, 4849671, 4849672, 4849673, 4849674, 4849675, 4849676, 4849677, 4849678, 4849679, 4849680, 4849681, 4849682, 4849683, 4849684, 4849685, 4849686, 4849687, 4849688, 4849689, 4849690, 4849691, 4849692, 4849693, 4849694, 4849695, 4849696, 4849697, 4849698, 4849699, 4849700, 4849701, 4849702, 4849703, 4849704, 4849705, 4849706, 4849707, 4849708, 4849709, 4849710, 4849711, 4849712, 4849713, 4849714, 4849715, 4849716, 4849717, 4849718, 4849719, 4849720, 4849721, 4849722, 4849723, 4849724, 4849725, 4849726, 4849727, 4849728, 4849729, 4849730, 4849731, 4849732, 4849733, 4849734, 4849735, 4849736, 4849737, 4849738, 4849739, 4849740, 4849741, 4849742, 4849743, 4849744, 4849745, 4849746, 4849747, 4849748, 4849749, 4849750, 4849751, 4849752, 4849753, 4849754, 2219442267, 2219442268, 2219442269, 2219442270, 2219442271, 2219442272, 2219442273, 2219442274, 2219442275, 2219442276, 2219442277, 2219442278, 2219442279, 2219442280, 2219442281, 4849770, 4849771, 4849772, 4849773, 4849774, 4849775, 4849776, 4849777, 4165599346, 4165599347, 4165599348, 4165599349, 4165599350, 2286551159, 4849784, 2286551161, 2286551162, 2286551163, 2286551164, 2286551165, 4849790, 4098490495, 4849792, 4849793, 4849794, 4849795, 4849796, 4849797, 4849798, 4849799, 2219442312, 2219442313, 2219442314, 2219442315, 3695837324, 3628728461, 3628728462, 3628728463, 3628728464, 3628728465, 2219442324, 3561619605, 3494510742, 3360293015, 3427401880, 3360293017, 3360293018, 3360293019, 3226075292, 3226075293, 3226075294, 3091857569, 3091857570, 3091857571, 2219442340, 2219442341, 2219442342, 2219442343, 2219442344, 2219442345, 2219442346, 2219442347, 3091857580, 3091857581, 3091857582, 3091857583, 3091857584, 4849841, 4849842, 4849843, 3024748724, 2219442357, 4849846, 4849847, 4849848, 2219442361, 2890531002, 2823422139, 2823422140, 2756313277, 2756313278, 2756313279, 2756313280, 2756313281, 2756313282, 2219442371, 2219442372, 2689204421, 2689204422, 2689204423, 2689204424, 2689204425, 2219442378, 2219442379, 2487877836, 3628793856, 3628793856, 3494576128, 3360358400, 2219507712, 2219507712, 3226140672, 3226140672, 3159031808, 3159031808, 3159031808, 3159031808, 3159031808, 3159031808, 4915200, 2756378624, 2756378624], toUInt32(0)) + if(has(['claude_code'], scope_dialect), transform(k, ['input_tokens', 'output_tokens', 'cache_read_tokens', 'cache_creation_tokens', 'attempt', 'ttft_ms', 'span.type', 'model', 'speed'], [983056, 1048591, 1114142, 1179673, 1769473, 2490375, 2752523, 2883593, 4849869], toUInt32(0)), 0) + if(has(['agent_framework'], scope_dialect), transform(k, ['workflow.name'], [3932162], toUInt32(0)), 0) + if(has(['agentops'], scope_dialect), transform(k, ['operation.name'], [4063234], toUInt32(0)), 0)), attribute_keys, types) AS codes,
                                attribute_keys, types, strings, integers, doubles, bools,
                                strings_in, types_in, integers_in, doubles_in, bools_in
                            FROM
                            (
                                SELECT workspace, pinned_tenant, received_at_ns, sequence, journal_id, service_name, resource_tenant, scope_name, scope_version, scope_dialect,
raw_trace_id, raw_span_id, raw_parent_span_id, raw_name, kind, raw_start_ns, raw_end_ns, status, event_names, event_times, attribute_keys, types, strings, integers, doubles, bools, types_in, strings_in, integers_in, doubles_in, bools_in
FROM
(
SELECT workspace, pinned_tenant, received_at_ns, sequence, journal_id, service_name, resource_tenant, if(length(raw_scope_name) > 256, replaceRegexpOne(toValidUTF8(substring(raw_scope_name, 1, 256)), '\\x{FFFD}$', ''), raw_scope_name) AS scope_name,
if(length(raw_scope_version) > 256, replaceRegexpOne(toValidUTF8(substring(raw_scope_version, 1, 256)), '\\x{FFFD}$', ''), raw_scope_version) AS scope_version, arrayFirst((d, b) -> startsWith(concat(scope_name, '\n'), b), ['spanledger', 'spanledger', 'anthropic_sdk', 'anthropic_sdk', 'openinference', 'openinference', 'otel_bedrock', 'otel_bedrock', 'otel', 'otel', 'otel', 'otel', 'otel', 'openllmetry_bedrock', 'openllmetry_google', 'openlit_anthropic', 'openlit_anthropic', 'openlit', 'langfuse', 'langfuse', 'pydantic_ai', 'pydantic_ai', 'logfire', 'vercel_ai_otel', 'langsmith', 'mlflow', 'litellm', 'strands', 'strands', 'agent_framework', 'agent_framework', 'agent_framework', 'azure_ai', 'azure_ai', 'google_adk', 'crewai', 'vllm', 'claude_code', 'agentops', 'laminar', 'sentry', 'mistral_sdk', 'openllmetry', 'openllmetry', 'openllmetry', 'openllmetry', 'openllmetry', 'openllmetry', 'openllmetry', 'openllmetry', 'openllmetry', 'openllmetry', 'openllmetry', 'openllmetry', 'openllmetry', 'openllmetry'], ['spanledger\n', 'spanledger.', 'com.anthropic.sdk.python\n', 'com.anthropic.sdk.', 'openinference.', '@arizeai/openinference-', 'opentelemetry.instrumentation.botocore', 'opentelemetry.instrumentation.genai.bedrock', 'opentelemetry.instrumentation.openai_v2', 'opentelemetry.instrumentation.openai_agents_v2', 'opentelemetry.instrumentation.google_genai', 'opentelemetry.instrumentation.genai.', 'opentelemetry.util.genai', 'opentelemetry.instrumentation.bedrock', 'opentelemetry.instrumentation.google_generativeai', 'openlit.instrumentation.anthropic', 'openlit.instrumentation.bedrock', 'openlit.', 'langfuse-sdk', 'langfuse', 'pydantic-ai', 'pydantic_ai', 'logfire', 'gen_ai\n', 'langsmith', 'mlflow', 'litellm', 'strands', 'bedrock_agentcore', 'agent_framework', 'microsoft.agents.', 'Microsoft.Agents.', 'azure.ai.', 'azure.core.tracing.', 'gcp.vertex.agent', 'crewai', 'vllm', 'com.anthropic.claude_code', 'agentops', 'lmnr', 'sentry', 'mistralai_sdk', 'traceloop.', 'opentelemetry.instrumentation.openai', 'opentelemetry.instrumentation.anthropic', 'opentelemetry.instrumentation.cohere', 'opentelemetry.instrumentation.groq', 'opentelemetry.instrumentation.mistralai', 'opentelemetry.instrumentation.ollama', 'opentelemetry.instrumentation.together', 'opentelemetry.instrumentation.vertexai', 'opentelemetry.instrumentation.watsonx', 'opentelemetry.instrumentation.langchain', 'opentelemetry.instrumentation.llamaindex', 'opentelemetry.instrumentation.crewai', 'opentelemetry.instrumentation.haystack']) AS scope_dialect, raw_trace_id, raw_span_id, raw_parent_span_id, raw_name, kind, raw_start_ns, raw_end_ns, status, event_names, event_times, attribute_keys, types, strings, integers, doubles, bools, types_in, strings_in, integers_in, doubles_in, bools_in
FROM
(
SELECT workspace, tenant AS pinned_tenant, received_at_ns, sequence, journal_id, if(length(arrayFirst((text, key) -> if(key = 'service.name', text != '', 0), resource_strings, resource_keys)) > 256, replaceRegexpOne(toValidUTF8(substring(arrayFirst((text, key) -> if(key = 'service.name', text != '', 0), resource_strings, resource_keys), 1, 256)), '\\x{FFFD}$', ''), arrayFirst((text, key) -> if(key = 'service.name', text != '', 0), resource_strings, resource_keys)) AS service_name, if(length(arrayFirst((text, key) -> if(key = 'spanledger.tenant.id', text != '', 0), resource_strings, resource_keys)) > 256, replaceRegexpOne(toValidUTF8(substring(arrayFirst((text, key) -> if(key = 'spanledger.tenant.id', text != '', 0), resource_strings, resource_keys), 1, 256)), '\\x{FFFD}$', ''), arrayFirst((text, key) -> if(key = 'spanledger.tenant.id', text != '', 0), resource_strings, resource_keys)) AS resource_tenant,
scope_names, scope_versions, raw_trace_id, raw_span_id, raw_parent_span_id, raw_name, kind, raw_start_ns, raw_end_ns, status, event_names, event_times, attribute_keys, types, strings, integers, doubles, bools, types_in, strings_in, integers_in, doubles_in, bools_in
FROM otlp_in_v1
ARRAY JOIN
`resource_spans.resource.attributes.key` AS resource_keys,
`resource_spans.resource.attributes.value.string_value` AS resource_strings,
`resource_spans.scope_spans.scope.name` AS scope_names,
`resource_spans.scope_spans.scope.version` AS scope_versions,
`resource_spans.scope_spans.spans.trace_id` AS raw_trace_id,
`resource_spans.scope_spans.spans.span_id` AS raw_span_id,
`resource_spans.scope_spans.spans.parent_span_id` AS raw_parent_span_id,
`resource_spans.scope_spans.spans.name` AS raw_name,
`resource_spans.scope_spans.spans.kind` AS kind,
`resource_spans.scope_spans.spans.start_time_unix_nano` AS raw_start_ns,
`resource_spans.scope_spans.spans.end_time_unix_nano` AS raw_end_ns,
`resource_spans.scope_spans.spans.status.code` AS status,
`resource_spans.scope_spans.spans.events.name` AS event_names,
`resource_spans.scope_spans.spans.events.time_unix_nano` AS event_times,
`resource_spans.scope_spans.spans.attributes.key` AS attribute_keys,
`resource_spans.scope_spans.spans.attributes.value.value` AS types,
`resource_spans.scope_spans.spans.attributes.value.string_value` AS strings,
`resource_spans.scope_spans.spans.attributes.value.int_value` AS integers,
`resource_spans.scope_spans.spans.attributes.value.double_value` AS doubles,
`resource_spans.scope_spans.spans.attributes.value.bool_value` AS bools,
`resource_spans.scope_spans.spans.attributes.value.array_value.values.value` AS types_in,
`resource_spans.scope_spans.spans.attributes.value.array_value.values.string_value` AS strings_in,
`resource_spans.scope_spans.spans.attributes.value.array_value.values.int_value` AS integers_in,
`resource_spans.scope_spans.spans.attributes.value.array_value.values.double_value` AS doubles_in,
`resource_spans.scope_spans.spans.attributes.value.array_value.values.bool_value` AS bools_in
)
ARRAY JOIN scope_names AS raw_scope_name, scope_versions AS raw_scope_version, raw_trace_id AS raw_trace_id, raw_span_id AS raw_span_id, raw_parent_span_id AS raw_parent_span_id, raw_name AS raw_name, kind AS kind, raw_start_ns AS raw_start_ns, raw_end_ns AS raw_end_ns, status AS status, event_names AS event_names, event_times AS event_times, attribute_keys AS attribute_keys, types AS types, strings AS strings, integers AS integers, doubles AS doubles, bools AS bools, types_in AS types_in, strings_in AS strings_in, integers_in AS integers_in, doubles_in AS doubles_in, bools_in AS bools_in
)
ARRAY JOIN raw_trace_id AS raw_trace_id, raw_span_id AS raw_span_id, raw_parent_span_id AS raw_parent_span_id, raw_name AS raw_name, kind AS kind, raw_start_ns AS raw_start_ns, raw_end_ns AS raw_end_ns, status AS status, event_names AS event_names, event_times AS event_times, attribute_keys AS attribute_keys, types AS types, strings AS strings, integers AS integers, doubles AS doubles, bools AS bools, types_in AS types_in, strings_in AS strings_in, integers_in AS integers_in, doubles_in AS doubles_in, bools_in AS bools_in
                            )
                            WHERE (length(raw_trace_id), length(raw_span_id)) = (16, 8)
                        )
                    )
                )
            )
        )
    )
)
)
)
