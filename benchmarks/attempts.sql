-- attempts: made-up attempts of a year, for benchmarks: no two alike, in order of time, as the settler would have written them.
--   A trace is one run of an agent with ten calls; models, tiers, buckets, estimates and retries follow from the number by a hash.
-- grain: one row an attempt, into attempts. units: USD, tokens. The cost billed is made up too: it is only summed.
-- parameters: first, count (which attempts of the total); total; since (start of the year).
INSERT INTO attempts
    (workspace, tenant, trace_id, span_id, attempt_number, run_id, agent_name, agent_version, tool_name, tool_in_run, called_by, service_name, purpose, operation, provider,
    request_model, response_model, priced_provider, priced_model, service_tier, started_at, ended_at, duration_ns, outcome,
    counted, usage_quality, rework_reason, usage_source, input_uncached_tokens, cache_read_tokens, cache_write_5m_tokens,
    output_tokens, reasoning_tokens, units, used_units, price_status, price_id, cost_usd, cost_low_usd, cost_high_usd,
    currency, currency_cost, usd_per_currency, received_at, version)
WITH
    (
        SELECT groupArray((provider_seen, model_seen, provider, model, price_id))
        FROM
        (
            SELECT
                toString(a.provider_seen) AS provider_seen,
                a.model_seen AS model_seen,
                toString(a.provider) AS provider,
                a.model AS model,
                min(p.price_id) AS price_id
            FROM model_aliases AS a FINAL
            INNER JOIN prices AS p ON p.provider = a.provider AND p.model = a.model
            WHERE p.service_tier = '' AND p.region = '' AND p.context_over_tokens = 0
            GROUP BY ALL
            ORDER BY ALL
        )
    ) AS models
SELECT
    'default',
    concat('tenant-', toString(trace % 7)),
    lower(leftPad(hex(sipHash128(trace)), 32, '0')),
    lower(leftPad(hex(number + 1), 16, '0')),
    1,
    lower(leftPad(hex(sipHash128(trace)), 32, '0')),
    concat('agent-', toString(trace % 20)),
    concat('1.', toString(trace % 3)),
    if(number % 10 < 3, concat('tool-', toString(number % 3)), ''),
    number % 10 < 3,
    if(trace % 20 = 7, ['agent-1', 'search'], []),
    'benchmark',
    'work',
    'chat',
    called.1,
    called.2,
    called.2,
    called.3,
    called.4,
    multiIf(dice % 20 = 0, 'batch', dice % 20 = 1, 'flex', ''),
    started_at,
    started_at + toIntervalMillisecond(900),
    900000000,
    if(dice % 50 = 0, 'error', 'ok'),
    dice % 100 != 0,
    'call',
    if(dice % 50 = 0, 'failed', ''),
    if(dice % 30 = 0, 'estimated', 'provider'),
    dice % 9973 + 20,
    if(dice % 3 = 0, intDiv(dice, 7) % 20011, 0),
    if(dice % 11 = 0, intDiv(dice, 13) % 4001, 0),
    intDiv(dice, 17) % 1499,
    if(dice % 4 = 0, intDiv(dice, 17) % 1499 % 300, 0),
    units,
    units,
    'priced',
    called.5,
    cost,
    cost,
    cost,
    'USD',
    cost,
    1,
    started_at + toIntervalSecond(5),
    1
FROM
(
    SELECT
        number,
        intDiv(number, 10) AS trace,
        cityHash64(number) AS dice,
        models[cityHash64(number, 'model') % length(models) + 1] AS called,
        {since:DateTime64(9)} + toIntervalSecond(intDiv(trace * 31536000, intDiv({total:UInt64}, 10))) + toIntervalSecond(number % 10) AS started_at,
        if(dice % 40 = 0, map('web_searches', toDecimal128(dice % 3 + 1, 6)), map())::Map(LowCardinality(String), Decimal(38, 6)) AS units,
        toDecimal128(dice % 1000003, 12) / 100000000 AS cost
    FROM numbers({first:UInt64}, {count:UInt64})
)
