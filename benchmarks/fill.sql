-- fill: made-up spans for benchmarks; {traces} traces of 20 spans over 30 days, one agent each.
-- grain: one row a span, traces in order of time, as they would arrive. Position 0 is the agent, odd positions are model calls, the others tools.
INSERT INTO spans (
    workspace, trace_id, span_id, parent_span_id, name, kind, service_name, scope_name,
    started_at, ended_at, duration_ns, status, dialect, role, operation, provider,
    request_model, response_model, response_id, usage_source,
    input_uncached_tokens, cache_read_tokens, output_tokens, run_id, agent_name, agent_version,
    tool_name, attempt_number, received_at, journal_id, sequence
)
SELECT
    'default',
    lower(leftPad(hex(toUInt128(trace + 1)), 32, '0')),
    lower(leftPad(hex(number + 1), 16, '0')),
    if(position = 0, '', lower(leftPad(hex(trace * 20 + 1), 16, '0'))),
    multiIf(position = 0, 'invoke_agent', position % 2 = 1, 'chat', 'execute_tool'),
    'internal', 'benchmark', 'spanledger',
    started_at, started_at + toIntervalMillisecond(900), 900000000, 'unset', 'spanledger',
    multiIf(position = 0, 'agent', position % 2 = 1, 'call', 'tool'),
    multiIf(position = 0, 'invoke_agent', position % 2 = 1, 'chat', 'execute_tool'),
    if(position % 2 = 1, if(trace % 2 = 0, 'openai', 'anthropic'), ''),
    if(position % 2 = 1, model, ''), if(position % 2 = 1, model, ''),
    if(position % 2 = 1, concat('answer-', toString(number)), ''),
    if(position % 2 = 1, 'provider', ''),
    if(position % 2 = 1, 600, 0), if(position % 2 = 1, 400, 0), if(position % 2 = 1, 200, 0),
    lower(leftPad(hex(toUInt128(trace + 1)), 32, '0')),
    concat('agent-', toString(trace % 20)), '1.0',
    if(position > 0 AND position % 2 = 0, 'search', ''), if(position % 2 = 1, 1, 0),
    started_at + toIntervalSecond(5), 'benchmark', intDiv(number, 1000)
FROM
(
    SELECT
        number,
        intDiv(number, 20) AS trace,
        number % 20 AS position,
        if(trace % 2 = 0, 'gpt-4.1-mini', 'claude-haiku-4-5-20251001') AS model,
        toDateTime64('2026-10-20 00:00:00', 9, 'UTC')
            + toIntervalSecond(intDiv(trace * 2592000, {traces:UInt64})) + toIntervalSecond(position) AS started_at
    FROM numbers({traces:UInt64} * 20)
)
