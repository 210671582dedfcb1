-- told_spans: the spans of made-up attempts (attempts.sql), for benchmarks: a run's own span and its ten calls, as clients told them.
--   What follows from spans (arrivals, keys of runs) is written by the engine.
-- grain: one row a span, into spans. units: tokens, nanoseconds.
-- parameters: first, count (which attempts of the total); total; since (start of the year).
INSERT INTO spans
    (workspace, tenant, trace_id, span_id, parent_span_id, name, kind, service_name, scope_name, started_at, ended_at, duration_ns, status,
    dialect, role, operation, provider, request_model, response_model, usage_source, input_uncached_tokens, output_tokens, run_id,
    agent_name, agent_version, tool_name, received_at, journal_id, sequence)
SELECT
    'default',
    concat('tenant-', toString(trace % 7)),
    trace_id,
    if(is_run, lower(leftPad(hex(trace + 1), 16, 'f')), lower(leftPad(hex(number + 1), 16, '0'))),
    if(is_run, '', lower(leftPad(hex(trace + 1), 16, 'f'))),
    if(is_run, concat('invoke_agent ', agent), 'chat'),
    if(is_run, 'internal', 'client'),
    'benchmark',
    'spanledger',
    begun_at + toIntervalSecond(if(is_run, 0, number % 10)) AS started_at,
    started_at + toIntervalMillisecond(if(is_run, 9900, 900)),
    if(is_run, 9900000000, 900000000),
    if(NOT is_run AND dice % 50 = 0, 'error', 'ok'),
    'spanledger',
    if(is_run, 'agent', 'call'),
    if(is_run, 'invoke_agent', 'chat'),
    if(is_run, '', 'openai'),
    if(is_run, '', 'gpt-4o-mini'),
    if(is_run, '', 'gpt-4o-mini'),
    if(is_run, '', 'provider'),
    if(is_run, 0, dice % 9973 + 20),
    if(is_run, 0, intDiv(dice, 17) % 1499),
    trace_id,
    agent,
    concat('1.', toString(trace % 3)),
    if(NOT is_run AND number % 10 < 3, concat('tool-', toString(number % 3)), ''),
    started_at + toIntervalSecond(5),
    'benchmark',
    intDiv(number, 1000) + 1
FROM
(
    SELECT
        number,
        intDiv(number, 10) AS trace,
        cityHash64(number) AS dice,
        lower(leftPad(hex(sipHash128(trace)), 32, '0')) AS trace_id,
        concat('agent-', toString(trace % 20)) AS agent,
        {since:DateTime64(9)} + toIntervalSecond(intDiv(trace * 31536000, intDiv({total:UInt64}, 10))) AS begun_at,
        arrayJoin(if(number % 10 = 0, [1, 0], [0])) AS is_run
    FROM numbers({first:UInt64}, {count:UInt64})
)
