-- sum_runs: one row a run of the given traces, from its spans and its counted attempts.
-- grain: (workspace, trace_id, run_id), into runs. Reads span_runs and attempts of the same settlement.
-- units: USD; self sums, and inclusive_* with every run below (any depth; in a cycle of runs each holds all).
-- A trace is settled whole, so what runs below carry of assets (post_charges went before) and what was recorded of them is there.
-- parameters: version = the settlement; its traces are in settling.
-- A run is: every agent run, every stamped run, and the run of the trace when a workflow, call, task or tool is in it.
-- Times and status are those of the run's own span; without one, of its earliest, latest and last ended span. So is when it entered the books
--   (posted_at), as post_charges has it: by its own span, else the first to arrive.
-- cost_usd: 0 when nothing was attempted, NULL when nothing of what was attempted has a known cost.
INSERT INTO runs
    (workspace, tenant, trace_id, run_id, parent_run_id, kind, agent_name, agent_id, agent_version, workflow_name,
    conversation_id, service_name, external_key, tags, started_at, ended_at, duration_ns, ttft_ns, status, error_type, span_count, calls,
    attempts, failed_attempts, retries, tool_calls, input_uncached_tokens, cache_read_tokens, cache_write_5m_tokens,
    cache_write_1h_tokens, output_tokens, reasoning_tokens, cost_usd, rework_cost_usd,
    rework_cheaper_usd, rework_dearer_usd, used_cheaper_usd, used_dearer_usd,
    estimated_cost_usd, cost_low_usd, cost_high_usd, unpriced_attempts, unknown_rework_attempts, flops_total, vram_peak_bytes, gpu_seconds, outcome,
    revenue_usd, outcome_value_usd, outcome_units, judged_wrong, judged_wrong_whole, records, unconverted_records, amortized_cost_usd, tool_cost_usd,
    effort_cost_usd, expense_cost_usd, appraisal_cost_usd, prevention_cost_usd, inclusive_attempts, inclusive_unpriced_attempts,
    inclusive_unknown_rework_attempts,
    inclusive_cost_usd, inclusive_rework_cost_usd, inclusive_estimated_cost_usd, inclusive_amortized_cost_usd,
    inclusive_unconverted_records, value_below_usd, callers, is_top, caller_missing, posted_at, version, is_deleted)
WITH
    paid AS
    (
        SELECT
            workspace,
            trace_id,
            run_id,
            countIf(a.outcome != 'retried' AND a.operation NOT IN ('execute_tool', 'effort', 'expense', 'load_model')) AS calls,
            count() AS attempts,
            countIf(a.outcome != 'ok') AS failed_attempts,
            countIf(a.outcome = 'retried') AS retries,
            sum(a.input_uncached_tokens) AS input_uncached_tokens,
            sum(a.cache_read_tokens) AS cache_read_tokens,
            sum(a.cache_write_5m_tokens) AS cache_write_5m_tokens,
            sum(a.cache_write_1h_tokens) AS cache_write_1h_tokens,
            sum(a.output_tokens) AS output_tokens,
            sum(a.reasoning_tokens) AS reasoning_tokens,
            sum(a.cost_usd) AS known_cost,
            sumIf(a.cost_usd, a.rework_reason != '') AS known_rework,
            sumIf(a.cost_usd - a.cost_low_usd, a.rework_reason != '') AS rework_cheaper_usd,
            sumIf(a.cost_high_usd - a.cost_usd, a.rework_reason != '') AS rework_dearer_usd,
            sumIf(a.cost_usd - a.cost_low_usd, a.rework_reason = '' AND a.purpose NOT IN ('appraisal', 'prevention')) AS used_cheaper_usd,
            sumIf(a.cost_high_usd - a.cost_usd, a.rework_reason = '' AND a.purpose NOT IN ('appraisal', 'prevention')) AS used_dearer_usd,
            sumIf(a.cost_usd, a.usage_source = 'estimated') AS known_estimated,
            sumIf(a.cost_usd, a.operation = 'execute_tool') AS tool_cost_usd,
            sumIf(a.cost_usd, a.operation = 'effort') AS effort_cost_usd,
            sumIf(a.cost_usd, a.operation = 'expense') AS expense_cost_usd,
            sumIf(a.cost_usd, a.purpose = 'appraisal') AS appraisal_cost_usd,
            sumIf(a.cost_usd, a.purpose = 'prevention') AS prevention_cost_usd,
            sum(a.cost_low_usd) AS known_low,
            sum(a.cost_high_usd) AS known_high,
            countIf(a.price_status IN ('unpriced', 'partial', 'unmetered')) AS unpriced_attempts,
            countIf(a.price_status IN ('unpriced', 'partial', 'unmetered') AND a.rework_reason != '') AS unknown_rework_attempts,
            sum(toDecimal128(a.flops_total, 0)) AS flops_total,
            max(a.vram_peak_bytes) AS vram_peak_bytes,
            sum(a.gpu_seconds) AS gpu_seconds,
            minIf(toUnixTimestamp64Nano(a.started_at) + a.ttft_ns, a.ttft_ns > 0) AS first_token_ns
        FROM attempts AS a
        WHERE (workspace, trace_id) IN (SELECT workspace, trace_id FROM settling WHERE version = {version:UInt64}) AND version = {version:UInt64} AND counted
        GROUP BY
            workspace,
            trace_id,
            run_id
    ),
    -- What was recorded about each run.
    told AS
    (
        SELECT
            workspace,
            trace_id,
            run_id,
            argMaxIf(verdict, (occurred_at, recorded_at, record_id), kind = 'outcome') AS outcome,
            sumIf(amount_usd, kind = 'revenue') AS revenue_usd,
            sumIf(amount_usd, kind = 'outcome') AS outcome_value_usd,
            sumIf(amount_usd, kind IN ('revenue', 'outcome')) AS recorded_usd,
            sumMapIf(
                map(name, ifNull(quantity, toDecimal128(0, 6)))::Map(LowCardinality(String), Decimal(38, 6)),
                kind = 'outcome' AND name != '' AND quantity IS NOT NULL
            ) AS outcome_units,
            countIf(kind = 'evaluation' AND verdict IN ('wrong', 'hallucinated')) > 0 AS judged_wrong,
            countIf(kind = 'evaluation' AND verdict IN ('wrong', 'hallucinated') AND subject_span_id = '') > 0 AS judged_wrong_whole,
            count() AS records,
            countIf(kind IN ('revenue', 'outcome') AND amount IS NOT NULL AND amount_usd IS NULL) AS unconverted_records
        FROM run_records
        WHERE (workspace, trace_id) IN (SELECT workspace, trace_id FROM settling WHERE version = {version:UInt64}) AND version = {version:UInt64} AND NOT is_moved
        GROUP BY
            workspace,
            trace_id,
            run_id
    ),
    -- What each run carries of assets.
    carried AS
    (
        SELECT
            workspace,
            trace_id,
            run_id,
            sum(amount_usd) AS amortized_cost_usd,
            count() AS charges
        FROM amortization_charges FINAL
        WHERE (workspace, trace_id) IN (SELECT workspace, trace_id FROM settling WHERE version = {version:UInt64})
            AND amount_usd > 0
        GROUP BY
            workspace,
            trace_id,
            run_id
    ),
    found AS
    (
        SELECT
            o.workspace AS workspace,
            o.trace_id AS trace_id,
            o.run_id AS run_id,
            any(o.run_kind) AS kind,
            countIf(o.is_run_root) AS roots,
            max(o.parent_run_id) AS parent_run_id,
            argMin(o.tenant, (NOT o.is_run_root, o.tenant = '', s.started_at, o.span_id)) AS tenant,
            any(o.agent_name) AS agent_name,
            any(o.agent_id) AS agent_id,
            any(o.agent_version) AS agent_version,
            argMin(o.workflow_name, (NOT o.is_run_root, o.workflow_name = '', s.started_at, o.span_id)) AS workflow_name,
            argMin(o.conversation_id, (NOT o.is_run_root, o.conversation_id = '', s.started_at, o.span_id)) AS conversation_id,
            argMin(s.service_name, (NOT o.is_run_root, s.started_at, o.span_id)) AS service_name,
            argMin(s.external_key, (NOT o.is_run_root, s.external_key = '', s.started_at, o.span_id)) AS external_key,
            argMin(s.tags, (NOT o.is_run_root, empty(s.tags), s.started_at, o.span_id)) AS tags,
            minIf(s.started_at, o.is_run_root OR run_roots = 0) AS started_at,
            maxIf(s.ended_at, o.is_run_root OR run_roots = 0) AS ended_at,
            argMax((s.status, s.error_type), (o.is_run_root, s.ended_at, o.span_id)) AS ending,
            minIf(s.received_at, o.is_run_root OR run_roots = 0) AS posted_at,
            count() AS span_count,
            countIf(o.role = 'tool') AS tool_calls,
            countIf(o.role IN ('agent', 'workflow', 'call', 'task', 'tool')) AS telling
        FROM
        (
            SELECT
                *,
                countIf(is_run_root) OVER (PARTITION BY workspace, trace_id, run_id) AS run_roots
            FROM span_runs
            WHERE (workspace, trace_id) IN (SELECT workspace, trace_id FROM settling WHERE version = {version:UInt64}) AND version = {version:UInt64}
        ) AS o
        INNER JOIN
        (
            SELECT
                workspace,
                trace_id,
                span_id,
                started_at,
                ended_at,
                status,
                error_type,
                service_name,
                external_key,
                tags,
                received_at
            FROM settling_spans
            WHERE version = {version:UInt64}
        ) AS s ON s.workspace = o.workspace AND s.trace_id = o.trace_id AND s.span_id = o.span_id
        GROUP BY
            o.workspace,
            o.trace_id,
            o.run_id
    ),
    summed AS
    (
        SELECT
            * EXCEPT (known_cost, known_low, known_high, known_rework, known_estimated),
            if(attempts = 0, toDecimal128(0, 12), known_cost) AS cost_usd,
            if(attempts = 0, toDecimal128(0, 12), known_low) AS cost_low_usd,
            if(attempts = 0, toDecimal128(0, 12), known_high) AS cost_high_usd,
            ifNull(known_rework, toDecimal128(0, 12)) AS rework_cost_usd,
            ifNull(known_estimated, toDecimal128(0, 12)) AS estimated_cost_usd
        FROM found AS f
        LEFT ANY JOIN paid AS p USING (workspace, trace_id, run_id)
        WHERE kind != 'trace' OR telling > 0 OR attempts > 0
    ),
    run_tree AS
    (
        SELECT
            workspace,
            trace_id,
            run_id,
            max(parent_run_id) AS parent_run_id,
            (any(agent_name), any(agent_version)) AS agent,
            row_number() OVER (PARTITION BY workspace, trace_id ORDER BY run_id) AS position
        FROM span_runs
        WHERE (workspace, trace_id) IN (SELECT workspace, trace_id FROM settling WHERE version = {version:UInt64}) AND version = {version:UInt64}
        GROUP BY
            workspace,
            trace_id,
            run_id
    ),
    -- Each run with all runs above it, itself included: sets of ancestors, doubled; and whether one of them names a caller that is not there.
    -- A pointer that ends nowhere is in a circle of runs, and all that is ever pointed to is that circle: the first of it is its top.
    lines AS
    (
        SELECT
            workspace,
            trace_id,
            nodes.run_id AS run_ids,
            nodes.agent AS agents,
            arrayFold(
                (state, round) -> (
                    arrayMap(
                        (above, i) -> arrayDistinct(arrayConcat(above, if(i = 0, emptyArrayUInt32(), state.1[i]))),
                        state.1,
                        state.2
                    ),
                    arrayMap(i -> if(i = 0, 0, state.2[i]), state.2),
                    arrayMap((missing, i) -> toUInt8(missing OR (i != 0 AND state.3[i])), state.3, state.2)
                ),
                range(toUInt8(ceil(log2(length(nodes) + 1))) + 1),
                (arrayMap(n -> [n.position], nodes), arrayMap(n -> n.parent, nodes), arrayMap(n -> n.caller_missing, nodes))
            ) AS climbed,
            climbed.1 AS ancestors,
            climbed.3 AS missing,
            arrayDistinct(arrayFilter(i -> i != 0, climbed.2)) AS circles,
            arrayMap(
                (n, above) -> toUInt8(n.parent = 0 OR (has(circles, n.position) AND arrayMin(above) = n.position)),
                nodes,
                ancestors
            ) AS tops
        FROM
        (
            SELECT
                c.workspace AS workspace,
                c.trace_id AS trace_id,
                arraySort(
                    n -> n.1,
                    groupArray((c.position, p.position, c.run_id, c.parent_run_id != '' AND p.position = 0, c.agent))
                )::Array(Tuple(
                    position UInt32, parent UInt32, run_id String, caller_missing UInt8,
                    agent Tuple(agent_name String, agent_version String)
                )) AS nodes
            FROM run_tree AS c
            LEFT ANY JOIN run_tree AS p
                ON p.workspace = c.workspace AND p.trace_id = c.trace_id AND p.run_id = c.parent_run_id
            GROUP BY
                c.workspace,
                c.trace_id
        )
    ),
    -- Each pair of a run and one above it, itself among them (is_self).
    above AS
    (
        SELECT
            workspace,
            trace_id,
            run_id,
            run_ids[ancestor] AS ancestor_id,
            agents[ancestor] AS agent,
            run_id = ancestor_id AS is_self,
            is_top,
            caller_missing
        FROM
        (
            SELECT
                workspace,
                trace_id,
                run_ids,
                agents,
                run_id,
                ancestry,
                is_top,
                caller_missing
            FROM lines
            ARRAY JOIN
                run_ids AS run_id,
                ancestors AS ancestry,
                tops AS is_top,
                missing AS caller_missing
        )
        ARRAY JOIN ancestry AS ancestor
    ),
    callers AS
    (
        SELECT
            workspace,
            trace_id,
            run_id,
            arraySort(groupUniqArrayIf(agent, NOT is_self AND agent.agent_name != '')) AS callers,
            any(is_top) AS is_top,
            any(caller_missing) AS caller_missing
        FROM above
        GROUP BY
            workspace,
            trace_id,
            run_id
    ),
    inclusive AS
    (
        SELECT
            l.workspace AS workspace,
            l.trace_id AS trace_id,
            l.ancestor_id AS run_id,
            sum(p.attempts) AS attempts,
            sum(p.unpriced_attempts) AS unpriced_attempts,
            sum(p.unknown_rework_attempts) AS unknown_rework_attempts,
            if(attempts = 0, toDecimal128(0, 12), sum(p.known_cost)) AS cost_usd,
            ifNull(sum(p.known_rework), toDecimal128(0, 12)) AS rework_cost_usd,
            ifNull(sum(p.known_estimated), toDecimal128(0, 12)) AS estimated_cost_usd,
            if(sum(c.charges) = 0, NULL, sum(c.amortized_cost_usd)) AS amortized_cost_usd,
            sum(t.unconverted_records) AS unconverted_records,
            sumIf(t.recorded_usd, NOT l.is_self) AS value_below_usd
        FROM above AS l
        LEFT ANY JOIN paid AS p ON p.workspace = l.workspace AND p.trace_id = l.trace_id AND p.run_id = l.run_id
        LEFT ANY JOIN told AS t ON t.workspace = l.workspace AND t.trace_id = l.trace_id AND t.run_id = l.run_id
        LEFT ANY JOIN carried AS c ON c.workspace = l.workspace AND c.trace_id = l.trace_id AND c.run_id = l.run_id
        GROUP BY
            l.workspace,
            l.trace_id,
            l.ancestor_id
    )
SELECT
    s.workspace,
    s.tenant,
    s.trace_id,
    s.run_id,
    s.parent_run_id,
    s.kind,
    s.agent_name,
    s.agent_id,
    s.agent_version,
    s.workflow_name,
    s.conversation_id,
    s.service_name,
    s.external_key,
    s.tags,
    s.started_at,
    s.ended_at,
    toUInt64(greatest(toUnixTimestamp64Nano(s.ended_at) - toUnixTimestamp64Nano(s.started_at), 0)),
    toUInt64(if(s.first_token_ns > 0, greatest(s.first_token_ns - toUnixTimestamp64Nano(s.started_at), 0), 0)),
    if(s.ending.1 = 'error', 'error', 'ok'),
    if(s.ending.1 = 'error', toString(s.ending.2), ''),
    s.span_count,
    s.calls,
    s.attempts,
    s.failed_attempts,
    s.retries,
    s.tool_calls,
    s.input_uncached_tokens,
    s.cache_read_tokens,
    s.cache_write_5m_tokens,
    s.cache_write_1h_tokens,
    s.output_tokens,
    s.reasoning_tokens,
    s.cost_usd,
    s.rework_cost_usd,
    ifNull(s.rework_cheaper_usd, toDecimal128(0, 12)),
    ifNull(s.rework_dearer_usd, toDecimal128(0, 12)),
    ifNull(s.used_cheaper_usd, toDecimal128(0, 12)),
    ifNull(s.used_dearer_usd, toDecimal128(0, 12)),
    s.estimated_cost_usd,
    s.cost_low_usd,
    s.cost_high_usd,
    s.unpriced_attempts,
    s.unknown_rework_attempts,
    s.flops_total,
    s.vram_peak_bytes,
    s.gpu_seconds,
    t.outcome,
    t.revenue_usd,
    t.outcome_value_usd,
    t.outcome_units,
    t.judged_wrong,
    t.judged_wrong_whole,
    t.records,
    t.unconverted_records,
    if(c.charges = 0, NULL, c.amortized_cost_usd),
    s.tool_cost_usd,
    s.effort_cost_usd,
    s.expense_cost_usd,
    s.appraisal_cost_usd,
    s.prevention_cost_usd,
    i.attempts,
    i.unpriced_attempts,
    i.unknown_rework_attempts,
    i.cost_usd,
    i.rework_cost_usd,
    i.estimated_cost_usd,
    i.amortized_cost_usd,
    i.unconverted_records,
    i.value_below_usd,
    u.callers,
    u.is_top,
    u.caller_missing,
    s.posted_at,
    {version:UInt64},
    0
FROM summed AS s
LEFT ANY JOIN inclusive AS i ON i.workspace = s.workspace AND i.trace_id = s.trace_id AND i.run_id = s.run_id
LEFT ANY JOIN told AS t ON t.workspace = s.workspace AND t.trace_id = s.trace_id AND t.run_id = s.run_id
LEFT ANY JOIN callers AS u ON u.workspace = s.workspace AND u.trace_id = s.trace_id AND u.run_id = s.run_id
LEFT ANY JOIN carried AS c ON c.workspace = s.workspace AND c.trace_id = s.trace_id AND c.run_id = s.run_id
