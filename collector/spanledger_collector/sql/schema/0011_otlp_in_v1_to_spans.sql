-- otlp_in_v1_to_spans: decodes and normalises every inserted export request into rows of spans.
-- grain: one row a span. Rendered from load/transform.sql.template and load/dialects.yaml by
-- `python -m spanledger_collector.load.render`: edit those, never this file.
-- Staged subqueries: each stage starts with short column names, which keeps the engine's analysis of the
-- statement (a fixed cost of every INSERT) small. From the innermost outwards: resources, scopes, spans,
-- the known attributes, their texts, order of precedence, fields, tokens, columns.
-- An attribute is read as text, cut at 256 bytes, then typed: so 12, '12', 12.0 and 12.7 are all twelve
-- tokens. What is no number, is negative or over 2^40 makes the usage missing; nothing wraps. Units beside tokens
-- keep six decimals, the rest is cut off.
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
    multiIf(endsWith(text_server_address, '.openai.azure.com'), 'azure.ai.openai', endsWith(text_server_address, '.services.ai.azure.com'), 'azure.ai.inference', startsWith(text_server_address, 'bedrock-runtime.'), 'aws.bedrock', endsWith(text_server_address, 'aiplatform.googleapis.com'), 'gcp.vertex_ai', text_server_address = 'api.openai.com', 'openai', text_server_address = 'api.anthropic.com', 'anthropic', text_server_address = 'generativelanguage.googleapis.com', 'gcp.gemini', transform(lower(text_provider), ['az.ai.openai', 'azure', 'azure_openai', 'az.ai.inference', 'vertex_ai', 'vertexai', 'gemini', 'google', 'google_genai', 'google_generativeai', 'xai', 'amazon_bedrock', 'bedrock', 'aws', 'mistralai', 'mistral', 'moonshot', 'watsonx', 'togetherai', 'together', 'langchain', 'langgraph', 'llamaindex', 'llama_index', 'crewai', 'haystack', 'traceloop'], ['azure.ai.openai', 'azure.ai.openai', 'azure.ai.openai', 'azure.ai.inference', 'gcp.vertex_ai', 'gcp.vertex_ai', 'gcp.gemini', 'gcp.gemini', 'gcp.gemini', 'gcp.gemini', 'x_ai', 'aws.bedrock', 'aws.bedrock', 'aws.bedrock', 'mistral_ai', 'mistral_ai', 'moonshot_ai', 'ibm.watsonx.ai', 'together_ai', 'together_ai', '', '', '', '', '', '', ''], lower(text_provider))) AS provider,
    text_request_model AS request_model,
    text_response_model AS response_model,
    text_response_id AS response_id,
    text_server_address AS server_address,
    transform(lower(text_service_tier), ['standard', 'default', 'auto', 'standard_only'], ['', '', '', ''], lower(text_service_tier)) AS service_tier,
    lower(text_streaming) IN ('true', '1') AS streaming,
    list_finish_reasons AS finish_reasons,
    multiIf(
        absurd, if(role IN ('call', 'engine'), 'missing', ''),
        text_usage_source IN ('provider', 'estimated', 'missing', 'none'), text_usage_source,
        metered, 'provider',
        if(role IN ('call', 'engine'), 'missing', '')
    ) AS usage_source,
    text_usage_method AS usage_method,
    lower(text_usage_partial) IN ('true', '1') AS usage_partial,
    multiIf(
        not usable, false,
        own, false,
        unfit, dialect NOT IN ['otel_bedrock', 'openllmetry_bedrock'],
        reasoning > number_output, dialect NOT IN ['openllmetry_google'],
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
        number_output + if(reasoning > number_output or dialect IN ['openllmetry_google'], reasoning, 0)
    ) AS output_tokens,
    if(usable, reasoning, 0) AS reasoning_tokens,
    -- The cached part of a kind of input is inside that kind, as the conventions have it: taken out, so that no token is in two.
    mapFilter(
        (name, amount) -> amount > 0 and usable,
        mapFromArrays(
            unit_names,
            arrayMap((name, amount) -> amount - least(amount, amounts[indexOf(unit_names, transform(name, ['audio_input', 'image_input', 'video_input'], ['audio_cache_read', 'image_cache_read', 'video_cache_read'], ''))]), unit_names, amounts)
        )
    ) AS units,
    if(usable, if(bitShiftRight(number_input_low, 40) = 0, number_input_low, 0), 0) AS input_tokens_low,
    if(usable, if(bitShiftRight(number_input_high, 40) = 0, number_input_high, 0), 0) AS input_tokens_high,
    if(usable, if(bitShiftRight(number_output_low, 40) = 0, number_output_low, 0), 0) AS output_tokens_low,
    if(usable, if(bitShiftRight(number_output_high, 40) = 0, number_output_high, 0), 0) AS output_tokens_high,
    multiIf(
        ttft > 0, toUInt64(least(ttft, 9e18)),
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
    if(upper(text_emitted_currency) IN ('', 'USD'), toDecimal128OrNull(text_emitted_cost, 12), NULL) AS emitted_cost_usd,
    mapFromArrays(arrayMap(i -> keys[i], kept_index), arrayMap(i -> texts[i], kept_index)) AS attributes,
    fromUnixTimestamp64Nano(toInt64(received_at_ns), 'UTC') AS received_at,
    journal_id,
    sequence
FROM
(
    SELECT
        *,
        if(absurd, false, metered) AS usable,
        if(number_cache_write_5m + number_cache_write_1h <= cache_write, number_cache_write_1h, 0) AS cache_write_1h,
        number_input < number_cache_read + cache_write AS unfit,
        if(number_input < number_cache_read + cache_write, true, dialect IN ['otel_bedrock', 'openllmetry_bedrock']) AS exclusive,
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
            multiIf(impossible, true, own, bitShiftRight(bitOr(bitOr(bitOr(bitOr(number_own_input_uncached, number_own_cache_read), number_own_cache_write_5m), number_own_cache_write_1h), number_own_output), 40) != 0, foreign, bitShiftRight(bitOr(bitOr(bitOr(bitOr(bitOr(number_input, number_output), number_cache_read), number_cache_write), number_cache_write_5m), number_cache_write_1h), 40) != 0, false) AS absurd,
            if(number_cache_write > 0, number_cache_write, number_cache_write_5m + number_cache_write_1h) AS cache_write,
            if(bitShiftRight(number_reasoning, 40) = 0, number_reasoning, 0) AS reasoning,
            transform(told_operation, ['chat', 'generate_content', 'text_completion', 'completion', 'llm', 'embeddings', 'embedding', 'rerank', 'reranker', 'image_generation', 'speech', 'transcription', 'translation', 'moderation', 'submit_batch', 'fetch_batch', 'retrieval', 'retriever', 'fetch_response', 'count_tokens', 'create_agent', 'invoke_agent', 'agent', 'invoke_workflow', 'workflow', 'handle_conversation_turn', 'plan', 'task', 'record', 'execute_task', 'chain', 'execute_tool', 'tool', 'guardrail', 'evaluator', 'prompt', 'decision', 'unknown'], ['chat', 'generate_content', 'text_completion', 'text_completion', 'chat', 'embeddings', 'embeddings', 'rerank', 'rerank', 'image_generation', 'speech', 'transcription', 'translation', 'moderation', 'submit_batch', 'fetch_batch', 'retrieval', 'retrieval', 'fetch_response', 'count_tokens', 'create_agent', 'invoke_agent', 'invoke_agent', 'invoke_workflow', 'invoke_workflow', 'handle_conversation_turn', 'plan', 'task', 'record', 'task', 'task', 'execute_tool', 'execute_tool', 'guardrail', 'evaluator', 'prompt', 'decision', ''], told_operation) AS operation,
            transform(told_operation, ['chat', 'generate_content', 'text_completion', 'completion', 'llm', 'embeddings', 'embedding', 'rerank', 'reranker', 'image_generation', 'speech', 'transcription', 'translation', 'moderation', 'submit_batch', 'fetch_batch', 'retrieval', 'retriever', 'fetch_response', 'count_tokens', 'create_agent', 'invoke_agent', 'agent', 'invoke_workflow', 'workflow', 'handle_conversation_turn', 'plan', 'task', 'record', 'execute_task', 'chain', 'execute_tool', 'tool', 'guardrail', 'evaluator', 'prompt', 'decision', 'unknown'], ['call', 'call', 'call', 'call', 'call', 'call', 'call', 'call', 'call', 'call', 'call', 'call', 'call', 'call', 'other', 'other', 'other', 'other', 'ignore', 'ignore', 'other', 'agent', 'agent', 'workflow', 'workflow', 'workflow', 'task', 'task', 'record', 'task', 'task', 'tool', 'tool', 'other', 'other', 'other', 'call', 'other'], '') AS known_role,
            multiIf(dialect = 'anthropic_sdk', transform(name, ['anthropic.messages.count_tokens', 'anthropic.beta.messages.count_tokens'], ['ignore', 'ignore'], ''), '') AS name_role,
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
                lower(texts[indexOf(fields, 41)]) AS told_operation,
                ifNull(toFloat64OrNull(texts[indexOf(fields, 37)]), 0) * multiIf(keys[indexOf(fields, 37)] = 'gen_ai.response.time_to_first_chunk', 1000000000, 0) AS ttft,
                ifNull(toFloat64OrNull(texts[indexOf(fields, 38)]), 0) AS gpu_time,
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
numbers[indexOf(fields, 22)] AS number_input_low,
numbers[indexOf(fields, 23)] AS number_input_high,
numbers[indexOf(fields, 24)] AS number_output_low,
numbers[indexOf(fields, 25)] AS number_output_high,
numbers[indexOf(fields, 26)] AS number_attempt_number,
numbers[indexOf(fields, 27)] AS number_resend_count,
numbers[indexOf(fields, 28)] AS number_flops_prefill,
numbers[indexOf(fields, 29)] AS number_flops_decode,
numbers[indexOf(fields, 30)] AS number_flops_total,
numbers[indexOf(fields, 31)] AS number_flops_low,
numbers[indexOf(fields, 32)] AS number_flops_high,
numbers[indexOf(fields, 33)] AS number_vram_weights,
numbers[indexOf(fields, 34)] AS number_vram_kv,
numbers[indexOf(fields, 35)] AS number_vram_peak,
numbers[indexOf(fields, 36)] AS number_gpu_count,
texts[indexOf(fields, 37)] AS text_ttft_ns,
texts[indexOf(fields, 38)] AS text_gpu_seconds,
texts[indexOf(fields, 39)] AS text_emitted_cost,
texts[indexOf(fields, 40)] AS text_emitted_currency,
texts[indexOf(fields, 41)] AS text_operation,
texts[indexOf(fields, 42)] AS text_provider,
texts[indexOf(fields, 43)] AS text_request_model,
texts[indexOf(fields, 44)] AS text_response_model,
texts[indexOf(fields, 45)] AS text_response_id,
texts[indexOf(fields, 46)] AS text_server_address,
texts[indexOf(fields, 47)] AS text_service_tier,
texts[indexOf(fields, 48)] AS text_streaming,
texts[indexOf(fields, 49)] AS text_error_type,
texts[indexOf(fields, 50)] AS text_usage_source,
texts[indexOf(fields, 51)] AS text_usage_method,
texts[indexOf(fields, 52)] AS text_usage_partial,
texts[indexOf(fields, 53)] AS text_run_id,
texts[indexOf(fields, 54)] AS text_parent_run_id,
texts[indexOf(fields, 55)] AS text_agent_name,
texts[indexOf(fields, 56)] AS text_agent_id,
texts[indexOf(fields, 57)] AS text_agent_version,
texts[indexOf(fields, 58)] AS text_workflow_name,
texts[indexOf(fields, 59)] AS text_tool_name,
texts[indexOf(fields, 60)] AS text_entity_name,
texts[indexOf(fields, 61)] AS text_conversation_id,
texts[indexOf(fields, 62)] AS text_tenant,
texts[indexOf(fields, 63)] AS text_retry_of,
texts[indexOf(fields, 64)] AS text_rework_of,
texts[indexOf(fields, 65)] AS text_rework_reason,
texts[indexOf(fields, 66)] AS text_flops_method,
texts[indexOf(fields, 67)] AS text_vram_source,
texts[indexOf(fields, 68)] AS text_gpu_model,
if(texts[indexOf(fields, 69)] != '' and empty(lists[indexOf(fields, 69)]), [texts[indexOf(fields, 69)]], lists[indexOf(fields, 69)]) AS list_finish_reasons,
if(texts[indexOf(fields, 70)] != '' and empty(lists[indexOf(fields, 70)]), [texts[indexOf(fields, 70)]], lists[indexOf(fields, 70)]) AS list_retry_reasons,
if(texts[indexOf(fields, 71)] != '' and empty(lists[indexOf(fields, 71)]), [texts[indexOf(fields, 71)]], lists[indexOf(fields, 71)]) AS list_retry_wait_seconds
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
                arrayFilter((i, n, f) -> n = 1 and f < 73, arrayEnumerate(keys), copies, fields) AS kept_index,
                arrayFilter((i, n, f) -> n = 1 and f = 73, arrayEnumerate(keys), copies, fields) AS tag_index,
                -- Fields are in order: parts come first, units beside tokens last. Most spans have neither.
                if(
                    fields[-1] = 74,
                    arrayFilter(
                        (i, n, f, k) -> n = 1 and f = 74 and k != 'spanledger.usage.units.',
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
                    arrayMap((t, f) -> if(f <= 36, ifNull(toInt64OrNull(t), ifNull(if(abs(toFloat64OrNull(t)) < 9.2e18, toInt64(toFloat64OrNull(t)), -1), -1)), 0), known_texts, known_fields) AS known_numbers,
                    arrayMap(
                        (f, c, t, n, i) -> bitOr(
                            bitOr(
                                bitShiftLeft(toUInt64(f), 48),
                                bitShiftLeft(toUInt64(multiIf(f > 36, t = '', n > 0, 0, n = 0, 1, 2)), 32)
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
                        known_keys,
                        known_codes,
                        arrayMap(c -> toUInt16(bitAnd(bitShiftRight(c, 16), 1023)), known_codes) AS known_fields,
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
                        ) AS elements,
                        arrayMap(
                            (t, s, n, d, b, e) -> multiIf(
                                t = 'string_value', if(length(s) > 256, replaceRegexpOne(toValidUTF8(substring(s, 1, 256)), '\\x{FFFD}$', ''), s),
                                t = 'int_value', toString(n),
                                t = 'double_value', toString(d),
                                t = 'bool_value', if(b, 'true', 'false'),
                                if(length(arrayStringConcat(e, ',')) > 256, replaceRegexpOne(toValidUTF8(substring(arrayStringConcat(e, ','), 1, 256)), '\\x{FFFD}$', ''), arrayStringConcat(e, ','))
                            ),
                            known_types, known_strings, known_integers, known_doubles, known_bools, elements
                        ) AS known_texts
                    FROM
                    (
                        SELECT
                            workspace, pinned_tenant, received_at_ns, sequence, journal_id, resource_tenant, service_name, scope_name, scope_version, trace_id, span_id, parent_span_id, name, kind, status, raw_start_ns, start_ns, lasted_ns, first_token_ns,
                            arrayMax(arrayMap(c -> bitShiftRight(c, 26), codes)) AS marker,
                            transform(marker, [63, 62, 61, 60, 59, 58, 57, 56, 55], ['spanledger', 'anthropic_sdk', 'openinference', 'otel_bedrock', 'otel', 'openllmetry_bedrock', 'openllmetry_google', 'openllmetry', 'generic'], '') AS key_dialect,
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
                                arrayMap((k, t) -> multiIf(bitTest(62, toUInt8(t)) = 0, toUInt32(0), startsWith(k, 'spanledger.tag.'), toUInt32(4784128), startsWith(k, 'spanledger.usage.units.'), toUInt32(4232708096), transform(k, ['gen_ai.usage.audio.input_tokens', 'llm.token_count.prompt_details.audio', 'gen_ai.usage.image.input_tokens', 'spanledger.usage.video.input_tokens', 'gen_ai.usage.audio.cache_read.input_tokens', 'gen_ai.usage.image.cache_read.input_tokens', 'spanledger.usage.video.cache_read.input_tokens', 'gen_ai.usage.audio.output_tokens', 'llm.token_count.completion_details.audio', 'gen_ai.usage.image.output_tokens', 'spanledger.usage.video.output_tokens', 'spanledger.usage.input_uncached_tokens', 'spanledger.usage.cache_read_tokens', 'spanledger.usage.cache_write_5m_tokens', 'spanledger.usage.cache_write_1h_tokens', 'spanledger.usage.output_tokens', 'gen_ai.usage.input_tokens', 'gen_ai.usage.prompt_tokens', 'llm.token_count.prompt', 'llm.usage.prompt_tokens', 'decision.token_count.input', 'gen_ai.usage.output_tokens', 'gen_ai.usage.completion_tokens', 'llm.token_count.completion', 'llm.usage.completion_tokens', 'decision.token_count.output', 'gen_ai.usage.cache_read.input_tokens', 'gen_ai.usage.cache_read_input_tokens', 'llm.token_count.prompt_details.cache_read', 'llm.token_count.prompt_details.cache_input', 'gen_ai.usage.cache_write.input_tokens', 'gen_ai.usage.cache_creation.input_tokens', 'gen_ai.usage.cache_creation_input_tokens', 'llm.token_count.prompt_details.cache_write', 'anthropic.usage.cache_creation.ephemeral_5m_input_tokens', 'anthropic.usage.cache_creation.ephemeral_1h_input_tokens', 'gen_ai.usage.reasoning.output_tokens', 'gen_ai.usage.reasoning_tokens', 'llm.token_count.completion_details.reasoning', 'spanledger.usage.input_tokens.low', 'spanledger.usage.input_tokens.high', 'spanledger.usage.output_tokens.low', 'spanledger.usage.output_tokens.high', 'spanledger.attempt.number', 'http.request.resend_count', 'spanledger.flops.prefill', 'spanledger.flops.decode', 'spanledger.flops.total', 'spanledger.flops.low', 'spanledger.flops.high', 'spanledger.vram.weights_bytes', 'spanledger.vram.kv_bytes', 'spanledger.vram.peak_bytes', 'spanledger.gpu.count', 'gen_ai.response.time_to_first_chunk', 'spanledger.gpu.seconds', 'gen_ai.usage.cost.amount', 'operation.cost', 'llm.cost.total', 'gen_ai.usage.cost.currency', 'gen_ai.operation.name', 'openinference.span.kind', 'traceloop.span.kind', 'llm.request.type', 'gen_ai.provider.name', 'gen_ai.system', 'llm.provider', 'llm.system', 'llm.vendor', 'gen_ai.request.model', 'llm.request.model_name', 'llm.request.model', 'embedding.model_name', 'reranker.model_name', 'gen_ai.response.model', 'llm.response.model_name', 'llm.response.model', 'llm.model_name', 'gen_ai.response.id', 'server.address', 'openai.response.service_tier', 'gen_ai.openai.response.service_tier', 'anthropic.response.service_tier', 'openai.request.service_tier', 'gen_ai.openai.request.service_tier', 'gen_ai.request.stream', 'gen_ai.is_streaming', 'llm.is_streaming', 'error.type', 'spanledger.usage.source', 'spanledger.usage.method', 'spanledger.usage.partial', 'spanledger.run.id', 'spanledger.run.parent.id', 'gen_ai.agent.name', 'agent.name', 'gen_ai.agent.id', 'gen_ai.agent.version', 'gen_ai.workflow.name', 'traceloop.workflow.name', 'gen_ai.tool.name', 'tool.name', 'traceloop.entity.name', 'gen_ai.conversation.id', 'session.id', 'traceloop.association.properties.session_id', 'spanledger.tenant.id', 'traceloop.association.properties.customer_id', 'spanledger.retry.of', 'spanledger.rework.of', 'spanledger.rework.reason', 'spanledger.flops.method', 'spanledger.vram.source', 'spanledger.gpu.model', 'gen_ai.response.finish_reasons', 'llm.finish_reason', 'anthropic.message.stop_reason', 'spanledger.retry.reason', 'spanledger.retry.wait_seconds', 'spanledger.inference.region', 'spanledger.task.id', 'spanledger.task.name', 'spanledger.task.version', 'spanledger.workflow.id', 'spanledger.workflow.version', 'spanledger.tool.version', 'spanledger.retry.count', 'spanledger.retry.cause', 'spanledger.response.deferred', 'spanledger.server.total_ns', 'spanledger.server.load_ns', 'spanledger.server.prefill_ns', 'spanledger.server.decode_ns', 'spanledger.record.id', 'spanledger.record.reason', 'spanledger.subject.trace_id', 'spanledger.subject.run_id', 'spanledger.subject.span_id', 'spanledger.subject.external_key', 'spanledger.external_key', 'spanledger.revenue.amount', 'spanledger.revenue.currency', 'spanledger.outcome', 'spanledger.value.amount', 'spanledger.value.currency', 'spanledger.evaluation.verdict', 'spanledger.expense.amount', 'spanledger.expense.currency', 'spanledger.expense.category', 'spanledger.effort.minutes', 'spanledger.effort.role', 'gen_ai.evaluation.name', 'gen_ai.evaluation.score.value', 'gen_ai.evaluation.score.label', 'gen_ai.usage.total_tokens', 'gen_ai.usage.text.input_tokens', 'gen_ai.usage.text.output_tokens', 'gen_ai.usage.text.cache_read.input_tokens', 'gen_ai.usage.cost.source', 'gen_ai.request.reasoning.level', 'gen_ai.request.max_tokens', 'gen_ai.request.temperature', 'gen_ai.request.top_p', 'gen_ai.request.choice.count', 'gen_ai.tool.call.id', 'gen_ai.tool.type', 'gen_ai.embeddings.dimension.count', 'mcp.method.name', 'mcp.protocol.version', 'server.port', 'http.response.status_code', 'user.id', 'enduser.id', 'anthropic.request.id', 'anthropic.organization.id', 'anthropic.workspace.id', 'anthropic.usage.compaction.input_tokens', 'anthropic.usage.compaction.output_tokens', 'gen_ai.openai.api_base', 'llm.usage.total_tokens', 'llm.user', 'traceloop.entity.path', 'traceloop.correlation.id', 'traceloop.association.properties.user_id', 'llm.token_count.total', 'llm.cost.prompt', 'llm.cost.completion', 'llm.cost.prompt_details.cache_read', 'llm.cost.prompt_details.cache_write', 'llm.cost.completion_details.reasoning', 'graph.node.id', 'graph.node.parent_id', 'tool.id'], [3691053056, 4093706241, 3691118592, 4228055040, 3691249664, 3691315200, 4228251648, 3691446272, 4094099457, 3691511808, 4228448256, 4228513792, 4228579328, 4228644864, 4228710400, 4228775936, 3691970560, 3691970561, 4094623746, 3759079427, 983044, 3692036096, 3692036097, 4094689282, 3759144963, 1048580, 3692101632, 3692101633, 4094754818, 4094754819, 3692167168, 3692167169, 3692167170, 4094820355, 4161994752, 4162060288, 3692363776, 3692363777, 4095016962, 4229300224, 4229365760, 4229431296, 4229496832, 1703936, 1769472, 1835008, 1900544, 1966080, 2031616, 2097152, 2162688, 2228224, 2293760, 2359296, 3693412352, 2490368, 3693543424, 2555905, 2555906, 3693608960, 3693674496, 4096327681, 3760783362, 3760783363, 3693740032, 3693740033, 2752514, 2752515, 2752516, 3693805568, 2818049, 2818050, 2818051, 2818052, 3693871104, 2883585, 2883586, 2883587, 3693936640, 3014656, 3080192, 3694067713, 4163829762, 3080195, 3694067716, 3694133248, 3694133249, 3145730, 3211264, 4231135232, 4231200768, 4231266304, 3473408, 3538944, 3694592000, 3604481, 3694657536, 3694723072, 3694788608, 3761897473, 3694854144, 3866625, 3762028544, 3694985216, 3997697, 3762094082, 4063232, 3762159617, 4128768, 4194304, 4259840, 4325376, 4390912, 4456448, 3695509504, 4521985, 4165271554, 4587520, 4653056, 4718592, 4718593, 4718594, 4718595, 4718596, 4718597, 4718598, 4718599, 4718600, 4718601, 4718602, 4718603, 4718604, 4718605, 4718606, 4718607, 4718608, 4718609, 4718610, 4718611, 4718612, 4718613, 4718614, 4718615, 4718616, 4718617, 4718618, 4718619, 4718620, 4718621, 4718622, 4718623, 3695706144, 3695706145, 3695706146, 3695706147, 3695706148, 3695706149, 3695706150, 3695706151, 3695706152, 3695706153, 3695706154, 3695706155, 3695706156, 3695706157, 3695706158, 3695706159, 4718640, 4718641, 4718642, 4718643, 4718644, 4718645, 4165468214, 4165468215, 4165468216, 4165468217, 4165468218, 3695706171, 3762815036, 4718653, 3762815038, 3762815039, 3762815040, 4098359361, 4718658, 4718659, 4718660, 4718661, 4718662, 4718663, 4718664, 4718665], toUInt32(0))), attribute_keys, types) AS codes,
                                attribute_keys, types, strings, integers, doubles, bools,
                                strings_in, types_in, integers_in, doubles_in, bools_in
                            FROM
                            (
                                SELECT workspace, pinned_tenant, received_at_ns, sequence, journal_id, service_name, resource_tenant, scope_name, scope_version, scope_dialect,
raw_trace_id, raw_span_id, raw_parent_span_id, raw_name, kind, raw_start_ns, raw_end_ns, status, event_names, event_times, attribute_keys, types, strings, integers, doubles, bools, types_in, strings_in, integers_in, doubles_in, bools_in
FROM
(
SELECT workspace, pinned_tenant, received_at_ns, sequence, journal_id, service_name, resource_tenant, if(length(raw_scope_name) > 256, replaceRegexpOne(toValidUTF8(substring(raw_scope_name, 1, 256)), '\\x{FFFD}$', ''), raw_scope_name) AS scope_name,
if(length(raw_scope_version) > 256, replaceRegexpOne(toValidUTF8(substring(raw_scope_version, 1, 256)), '\\x{FFFD}$', ''), raw_scope_version) AS scope_version, multiIf(scope_name = 'spanledger', 'spanledger', startsWith(scope_name, 'spanledger.'), 'spanledger', scope_name = 'com.anthropic.sdk.python', 'anthropic_sdk', startsWith(scope_name, 'com.anthropic.sdk.'), 'anthropic_sdk', startsWith(scope_name, 'openinference.'), 'openinference', startsWith(scope_name, '@arizeai/openinference-'), 'openinference', startsWith(scope_name, 'opentelemetry.instrumentation.botocore'), 'otel_bedrock', startsWith(scope_name, 'opentelemetry.instrumentation.genai.bedrock'), 'otel_bedrock', startsWith(scope_name, 'opentelemetry.instrumentation.openai_v2'), 'otel', startsWith(scope_name, 'opentelemetry.instrumentation.openai_agents_v2'), 'otel', startsWith(scope_name, 'opentelemetry.instrumentation.google_genai'), 'otel', startsWith(scope_name, 'opentelemetry.instrumentation.genai.'), 'otel', startsWith(scope_name, 'opentelemetry.util.genai'), 'otel', startsWith(scope_name, 'opentelemetry.instrumentation.bedrock'), 'openllmetry_bedrock', startsWith(scope_name, 'opentelemetry.instrumentation.google_generativeai'), 'openllmetry_google', startsWith(scope_name, 'traceloop.'), 'openllmetry', startsWith(scope_name, 'opentelemetry.instrumentation.openai'), 'openllmetry', startsWith(scope_name, 'opentelemetry.instrumentation.anthropic'), 'openllmetry', startsWith(scope_name, 'opentelemetry.instrumentation.cohere'), 'openllmetry', startsWith(scope_name, 'opentelemetry.instrumentation.groq'), 'openllmetry', startsWith(scope_name, 'opentelemetry.instrumentation.mistralai'), 'openllmetry', startsWith(scope_name, 'opentelemetry.instrumentation.ollama'), 'openllmetry', startsWith(scope_name, 'opentelemetry.instrumentation.together'), 'openllmetry', startsWith(scope_name, 'opentelemetry.instrumentation.vertexai'), 'openllmetry', startsWith(scope_name, 'opentelemetry.instrumentation.watsonx'), 'openllmetry', startsWith(scope_name, 'opentelemetry.instrumentation.langchain'), 'openllmetry', startsWith(scope_name, 'opentelemetry.instrumentation.llamaindex'), 'openllmetry', startsWith(scope_name, 'opentelemetry.instrumentation.crewai'), 'openllmetry', startsWith(scope_name, 'opentelemetry.instrumentation.haystack'), 'openllmetry', '') AS scope_dialect, raw_trace_id, raw_span_id, raw_parent_span_id, raw_name, kind, raw_start_ns, raw_end_ns, status, event_names, event_times, attribute_keys, types, strings, integers, doubles, bools, types_in, strings_in, integers_in, doubles_in, bools_in
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
