-- price_services: the costs of a run that are no model calls, as rows of the ledger: tools that are paid by the call, models that
--   were loaded, minutes of people, recorded expenses. Model calls are price_attempts'; the arithmetic is the same, arithmetic/price.sql.
-- grain: one row a paid tool call, load or record, into attempts. Reads span_runs, run_records and answer_verdicts of the same
--   settlement.
-- parameters: version = the settlement; its spans are in settling_spans. units: USD; rates exact with 24 decimals.
-- Tools: a tool span whose name has a price (provider tool, model = the tool's name, unit calls) is paid once, however many tell it:
--   a tool is the same call as the nearest tool around it (with no agent, workflow or model call between) when both have one name
--   and neither the ids of the call (of the model's or framework's, of the MCP request) differ, and when
--     the ids of the call are equal, or
--     the outer is a client's span and the inner the server's (MCP client -> HTTP -> MCP server), or
--     their instrumentations differ (a framework's tool that calls an MCP tool) and the inner is no new request of a server.
--   Of several such calls of one instrumentation in one tool only the first is the same: the others are further calls. A tool that
--   calls itself has spans of one instrumentation and kind: each is a call.
-- One that failed was paid all the same: rework. Loads: seconds of the device that a model was put on, at the rate of its GPU (provider
--   gpu, model as its device is called, unit gpu_seconds); without one a load has no row. Effort: provider human, model = the role, unit minutes. Both are dated twice like
--   any price; a role without a rate is unpriced, a tool without one costs nothing and has no row.
-- Expenses: the recorded amount, in USD of its day; in a currency without a rate unpriced, with the amount kept.
INSERT INTO attempts
    (workspace, tenant, trace_id, span_id, attempt_number, run_id, agent_name, agent_version, workflow_name, tool_name,
    tool_in_run, called_by, purpose, operation, provider, request_model, priced_provider, priced_model, started_at, ended_at, duration_ns, outcome, counted,
    usage_quality, rework_reason, usage_source, units, used_units, price_status, unpriced_units, price_id, units_cost_usd, cost_usd,
    cost_low_usd, cost_high_usd, currency, currency_cost, usd_per_currency, received_at, version, is_deleted)
WITH
    runs_here AS
    (
        SELECT
            workspace,
            trace_id,
            run_id,
            argMin(tenant, (NOT is_run_root, tenant = '', span_id)) AS tenant,
            any(agent_name) AS agent_name,
            any(agent_version) AS agent_version,
            argMin(workflow_name, (NOT is_run_root, workflow_name = '', span_id)) AS workflow_name
        FROM span_runs
        WHERE (workspace, trace_id) IN (SELECT workspace, trace_id FROM settling WHERE version = {version:UInt64}) AND version = {version:UInt64}
        GROUP BY workspace, trace_id, run_id
    ),
    -- One row a trace with a paid tool: where each span's nearest tool, agent, workflow or model call is, itself included, by
    -- pointers that are doubled until they stop there (as in attribute_spans: place 0 means nowhere).
    tool_trees AS
    (
        SELECT
            workspace,
            trace_id,
            groupArray(span_id) AS ids,
            groupArray(role = 'tool') AS are_tools,
            arrayMap(
                number -> if(number > length(ids), 0, number),
                arraySlice(arrayEnumerateDense(arrayConcat(ids, groupArray(parent_span_id))), length(ids) + 1)
            ) AS parents,
            arrayFold(
                (to, round) -> arrayMap(i -> to[i], to),
                range(toUInt8(ceil(log2(length(ids) + 1))) + 1),
                arrayMap(
                    (place, parent, stops) -> if(stops, place, parent),
                    arrayEnumerate(ids),
                    parents,
                    groupArray(role IN ('tool', 'agent', 'workflow', 'call'))
                )
            ) AS ends
        FROM
        (
            SELECT workspace, trace_id, span_id, parent_span_id, role
            FROM settling_spans
            WHERE version = {version:UInt64}
                AND (workspace, trace_id) IN (
                    SELECT workspace, trace_id
                    FROM settling_spans
                    WHERE version = {version:UInt64} AND role = 'tool' AND tool_name IN (SELECT model FROM prices WHERE provider = 'tool')
                )
        )
        GROUP BY workspace, trace_id
    ),
    outer_tools AS
    (
        SELECT workspace, trace_id, span_id, around_id
        FROM
        (
            SELECT
                workspace,
                trace_id,
                ids,
                arrayMap(p -> ends[p], parents) AS around,
                arrayMap(i -> if(are_tools[i], ids[i], ''), around) AS around_ids
            FROM tool_trees
        )
        ARRAY JOIN
            ids AS span_id,
            around_ids AS around_id
        WHERE around_id NOT IN ('', span_id)
    ),
    told_tools AS
    (
        SELECT workspace, trace_id, span_id, tool_name, tool_call_id, rpc_id, toString(kind) AS span_kind, scope_name, started_at
        FROM settling_spans
        WHERE version = {version:UInt64} AND role = 'tool'
    ),
    -- Tools that are the call that the tool around them tells.
    told_again AS
    (
        SELECT workspace, trace_id, span_id
        FROM
        (
            SELECT
                i.workspace AS workspace,
                i.trace_id AS trace_id,
                i.span_id AS span_id,
                u.around_id AS around_id,
                i.scope_name AS scope_name,
                i.started_at AS started_at
            FROM told_tools AS i
            INNER JOIN outer_tools AS u ON u.workspace = i.workspace AND u.trace_id = i.trace_id AND u.span_id = i.span_id
            INNER JOIN told_tools AS o ON o.workspace = i.workspace AND o.trace_id = i.trace_id AND o.span_id = u.around_id
            WHERE o.tool_name = i.tool_name
                AND (o.tool_call_id = i.tool_call_id OR o.tool_call_id = '' OR i.tool_call_id = '')
                AND (o.rpc_id = i.rpc_id OR o.rpc_id = '' OR i.rpc_id = '')
                AND (
                    (o.tool_call_id = i.tool_call_id AND i.tool_call_id != '')
                    OR (o.span_kind = 'client' AND i.span_kind = 'server')
                    OR (o.scope_name != i.scope_name AND NOT (o.span_kind = 'server' AND i.span_kind = 'client'))
                )
        )
        ORDER BY started_at, span_id
        LIMIT 1 BY workspace, trace_id, around_id, scope_name
    ),
    tools AS
    (
        SELECT
            s.workspace AS workspace,
            s.trace_id AS trace_id,
            s.span_id AS span_id,
            o.run_id AS run_id,
            'execute_tool' AS operation,
            'tool' AS provider,
            s.tool_name AS name,
            s.started_at AS started_at,
            s.ended_at AS ended_at,
            s.received_at AS received_at,
            o.purpose AS purpose,
            multiIf(v.reason != '' AND NOT startsWith(v.reason, 'built_on_'), v.reason, s.status = 'error', 'failed', v.reason) AS rework_reason,
            map('calls', toDecimal128(1, 6))::Map(LowCardinality(String), Decimal(38, 6)) AS units
        FROM
        (
            SELECT workspace, trace_id, span_id, tool_name, started_at, ended_at, received_at, status
            FROM settling_spans
            WHERE version = {version:UInt64}
                AND role = 'tool'
                AND tool_name IN (SELECT model FROM prices WHERE provider = 'tool')
                AND (workspace, trace_id, span_id) NOT IN (SELECT workspace, trace_id, span_id FROM told_again)
        ) AS s
        INNER JOIN
        (
            SELECT workspace, trace_id, span_id, run_id, toString(purpose) AS purpose
            FROM span_runs
            WHERE (workspace, trace_id) IN (SELECT workspace, trace_id FROM settling WHERE version = {version:UInt64}) AND version = {version:UInt64}
        ) AS o ON o.workspace = s.workspace AND o.trace_id = s.trace_id AND o.span_id = s.span_id
        LEFT ANY JOIN
        (
            SELECT workspace, trace_id, span_id, toString(reason) AS reason
            FROM answer_verdicts
            WHERE (workspace, trace_id) IN (SELECT workspace, trace_id FROM settling WHERE version = {version:UInt64}) AND version = {version:UInt64}
        ) AS v ON v.workspace = s.workspace AND v.trace_id = s.trace_id AND v.span_id = s.span_id
    ),
    loads AS
    (
        SELECT
            s.workspace AS workspace,
            s.trace_id AS trace_id,
            s.span_id AS span_id,
            o.run_id AS run_id,
            'load_model' AS operation,
            'gpu' AS provider,
            s.gpu_model AS name,
            s.started_at AS started_at,
            s.ended_at AS ended_at,
            s.received_at AS received_at,
            o.purpose AS purpose,
            '' AS rework_reason,
            map('gpu_seconds', toDecimal128(s.gpu_seconds, 6))::Map(LowCardinality(String), Decimal(38, 6)) AS units
        FROM
        (
            SELECT workspace, trace_id, span_id, toString(gpu_model) AS gpu_model, gpu_seconds, started_at, ended_at, received_at
            FROM settling_spans
            WHERE version = {version:UInt64} AND operation = 'load_model' AND gpu_seconds > 0
                AND gpu_model IN (SELECT model FROM prices WHERE provider = 'gpu')
        ) AS s
        INNER JOIN
        (
            SELECT workspace, trace_id, span_id, run_id, toString(purpose) AS purpose
            FROM span_runs
            WHERE (workspace, trace_id) IN (SELECT workspace, trace_id FROM settling WHERE version = {version:UInt64}) AND version = {version:UInt64}
        ) AS o ON o.workspace = s.workspace AND o.trace_id = s.trace_id AND o.span_id = s.span_id
    ),
    recorded AS
    (
        SELECT
            workspace,
            trace_id,
            told_by AS span_id,
            run_id,
            toString(kind) AS operation,
            if(kind = 'effort', 'human', 'recorded') AS provider,
            name,
            occurred_at AS started_at,
            occurred_at AS ended_at,
            received_at,
            if(purpose = '', 'work', toString(purpose)) AS purpose,
            '' AS rework_reason,
            if(kind = 'effort', map('minutes', ifNull(quantity, 0)), map())::Map(LowCardinality(String), Decimal(38, 6)) AS units,
            amount,
            toString(currency) AS told_currency,
            amount_usd
        FROM run_records
        WHERE (workspace, trace_id) IN (SELECT workspace, trace_id FROM settling WHERE version = {version:UInt64})
            AND version = {version:UInt64} AND kind IN ('effort', 'expense') AND NOT is_moved
    ),
    used AS
    (
        SELECT
            (workspace, trace_id, span_id) AS fact,
            '' AS provider_seen,
            '' AS request_model,
            '' AS response_model,
            provider AS set_provider,
            name AS set_model,
            '' AS tier,
            '' AS region,
            toDateTime64(started_at, 3) AS used_at,
            toDateTime64(received_at, 3) AS known_at,
            1 AS calls,
            true AS has_usage,
            toUInt64(0) AS input_uncached_tokens,
            toUInt64(0) AS cache_read_tokens,
            toUInt64(0) AS cache_write_5m,
            toUInt64(0) AS cache_write_1h,
            toUInt64(0) AS output_tokens,
            toUInt64(0) AS reasoning_tokens,
            toInt64(0) AS input_less,
            toInt64(0) AS input_more,
            toInt64(0) AS output_less,
            toInt64(0) AS output_more,
            toUInt64(0) AS input_total,
            units,
            @include arithmetic/parts
        FROM
        (
            SELECT workspace, trace_id, span_id, provider, name, started_at, received_at, units FROM tools
            UNION ALL
            SELECT workspace, trace_id, span_id, provider, name, started_at, received_at, units FROM loads
            UNION ALL
            SELECT workspace, trace_id, span_id, provider, name, started_at, received_at, units FROM recorded WHERE operation = 'effort'
        )
    ),
    model_ids AS
    (
        SELECT '' AS provider_seen, '' AS model_seen
    ),
    book_models AS
    (
        SELECT provider, model FROM prices WHERE provider IN ('tool', 'human', 'gpu')
    ),
    @include arithmetic/price
    services AS
    (
        SELECT workspace, trace_id, span_id, run_id, operation, provider, name, started_at, ended_at, received_at, purpose, rework_reason, units FROM tools
        UNION ALL
        SELECT workspace, trace_id, span_id, run_id, operation, provider, name, started_at, ended_at, received_at, purpose, rework_reason, units FROM loads
        UNION ALL
        SELECT workspace, trace_id, span_id, run_id, operation, provider, name, started_at, ended_at, received_at, purpose, rework_reason, units
        FROM recorded
        WHERE operation = 'effort'
    ),
    lines AS
    (
        SELECT
            s.workspace AS workspace,
            s.trace_id AS trace_id,
            s.span_id AS span_id,
            s.run_id AS run_id,
            s.operation AS operation,
            s.provider AS provider,
            s.name AS name,
            s.started_at AS started_at,
            s.ended_at AS ended_at,
            s.received_at AS received_at,
            s.purpose AS purpose,
            s.rework_reason AS rework_reason,
            s.units AS units,
            v.state AS state,
            v.unpriced_units AS unpriced_units,
            v.price_id AS price_id,
            v.units_cost AS units_cost,
            v.cost AS cost,
            v.billed_currency AS currency,
            v.billed_cost AS currency_cost,
            v.usd_per_currency AS usd_per_currency
        FROM services AS s
        INNER JOIN valued AS v ON v.fact.1 = s.workspace AND v.fact.2 = s.trace_id AND v.fact.3 = s.span_id
        UNION ALL
        SELECT
            workspace,
            trace_id,
            span_id,
            run_id,
            operation,
            provider,
            name,
            started_at,
            ended_at,
            received_at,
            purpose,
            rework_reason,
            units,
            if(amount_usd IS NULL, 'unpriced', 'priced') AS state,
            if(amount_usd IS NULL, ['currency:' || told_currency], []) AS unpriced_units,
            '' AS price_id,
            CAST(amount_usd AS Nullable(Decimal(38, 24))) AS units_cost,
            amount_usd AS cost,
            told_currency AS currency,
            amount AS currency_cost,
            CAST(NULL AS Nullable(Decimal(38, 12))) AS usd_per_currency
        FROM recorded
        WHERE operation = 'expense'
    )
SELECT
    l.workspace,
    r.tenant,
    l.trace_id,
    l.span_id,
    1,
    l.run_id,
    r.agent_name,
    r.agent_version,
    r.workflow_name,
    if(l.operation = 'execute_tool', l.name, ''),
    l.operation = 'execute_tool',
    p.called_by,
    l.purpose,
    l.operation,
    l.provider,
    l.name,
    if(l.price_id = '', '', l.provider),
    if(l.price_id = '', '', l.name),
    l.started_at,
    l.ended_at,
    toUInt64(greatest(toUnixTimestamp64Nano(l.ended_at) - toUnixTimestamp64Nano(l.started_at), 0)),
    if(l.rework_reason = 'failed', 'error', 'ok'),
    true,
    'none',
    if(l.purpose = 'work', l.rework_reason, ''),
    'provider',
    l.units,
    l.units,
    l.state,
    l.unpriced_units,
    l.price_id,
    l.units_cost,
    l.cost,
    l.cost,
    l.cost,
    l.currency,
    l.currency_cost,
    l.usd_per_currency,
    l.received_at,
    {version:UInt64},
    0
FROM lines AS l
LEFT ANY JOIN runs_here AS r ON r.workspace = l.workspace AND r.trace_id = l.trace_id AND r.run_id = l.run_id
LEFT ANY JOIN
(
    SELECT workspace, trace_id, run_id, called_by
    FROM run_paths
    WHERE (workspace, trace_id) IN (SELECT workspace, trace_id FROM settling WHERE version = {version:UInt64}) AND version = {version:UInt64}
) AS p ON p.workspace = l.workspace AND p.trace_id = l.trace_id AND p.run_id = l.run_id
