-- attribute_spans: finds the run, the tool, the workflow and the calls around every span of the given traces.
-- grain: one row a span, into span_runs. Repeatable: the same spans give the same rows apart from version.
-- parameters: version = the settlement; its spans are in settling_spans.
-- Rules: a stamped run id wins; an agent span without one is a run (run_id = its span id); any other span belongs to
-- the nearest run above it; what is under no run belongs to the run of the trace (run_id = trace_id).
-- An execution that two instrumentations tell is one run, that of the inner one (pair_tellers).
-- A run has one tenant, and all that is in it is of that tenant, whatever its spans say: that of the span it is an execution of,
-- else the one that its spans name, else the one that its trace names; of several, none. What is under no agent and no workflow
-- is one run a tenant where its spans name several (run_id = trace_id.tenant), so that a worker's calls are each charged to
-- whom they were made for.
-- How: a span points to its parent by its place in the arrays of its trace. Pointers are doubled: each round jumps twice
-- as far, so as many rounds as the length of the trace has binary digits reach any depth. They stop at a span that is what
-- is looked for. A cycle, an orphan or a span that is its own parent finds nothing.
-- Place 0 means nowhere, and an array's element 0 is 0 or empty: that is why no lookup here asks first. (An if around a
-- lookup would copy the whole array for every element.)
INSERT INTO span_runs
    (workspace, trace_id, span_id, day, role, run_id, run_kind, is_run_root, parent_run_id, tenant, agent_name, agent_id,
    agent_version, workflow_name, tool_name, tool_is_near, purpose, conversation_id, enclosing_call, usage_below, version)
WITH
    -- One row a trace: its spans as arrays, all in one order.
    trees AS
    (
        SELECT
            workspace,
            trace_id,
            groupArray(span_id) AS ids,
            groupArray(run_named) AS runs,
            groupArray(role = 'tool') AS are_tools,
            groupArray(if(role = 'tool', tool_name, '')) AS tools,
            groupArray(role = 'workflow') AS are_workflows,
            groupArray(if(role = 'workflow', if(workflow_name != '', workflow_name, name), '')) AS workflows,
            groupArray(role = 'call') AS are_calls,
            groupArray(if(role = 'call', span_id, '')) AS calls,
            groupArray(purpose) AS purposes,
            groupArray(metered) AS are_metered,
            -- Equal ids get equal numbers, in the order of their first appearance: the ids themselves are 1, 2, 3, ...
            arrayMap(
                number -> if(number > length(ids), 0, number),
                arraySlice(arrayEnumerateDense(arrayConcat(ids, groupArray(parent_span_id))), length(ids) + 1)
            ) AS parents
        FROM
        (
            SELECT
                workspace,
                trace_id,
                span_id,
                parent_span_id,
                role,
                name,
                tool_name,
                workflow_name,
                purpose,
                multiIf(run_id != '', run_id, inner_run != '', inner_run, role = 'agent', span_id, '') AS run_named,
                usage_source IN ('provider', 'estimated') AND role != 'ignore' AS metered
            FROM settling_spans
            LEFT ANY JOIN
            (
                SELECT workspace, trace_id, span_id, inner_run
                FROM told_twice
                WHERE version = {version:UInt64}
            ) AS twice USING (workspace, trace_id, span_id)
            WHERE version = {version:UInt64}
        )
        GROUP BY
            workspace,
            trace_id
    ),
    -- Five pointers a span: to its run, tool, workflow, call and purpose, each kind moved behind the one before.
    starts AS
    (
        SELECT
            *,
            length(ids) AS size,
            arrayEnumerate(ids) AS places,
            range(toUInt8(ceil(log2(size + 1))) + 1) AS rounds,
            arrayConcat(
                arrayMap((i, p, run) -> if(run != '', i, p), places, parents, runs),
                arrayMap((i, p, is) -> if(is, i + size, if(p = 0, 0, p + size)), places, parents, are_tools),
                arrayMap((i, p, is) -> if(is, i + 2 * size, if(p = 0, 0, p + 2 * size)), places, parents, are_workflows),
                arrayMap((i, p, is) -> if(is, i + 3 * size, if(p = 0, 0, p + 3 * size)), places, parents, are_calls),
                arrayMap((i, p, of) -> if(of != '', i + 4 * size, if(p = 0, 0, p + 4 * size)), places, parents, purposes)
            ) AS pointers,
            arrayDistinct(arrayFilter((p, is) -> is, parents, are_metered)) AS above_metered
        FROM trees
    ),
    reached AS
    (
        SELECT
            * EXCEPT (pointers, above_metered),
            arrayFold((to, round) -> arrayMap(i -> to[i], to), rounds, pointers) AS ends,
            -- Spans with usage below them: the parents of such spans, then what lies 1, 2, 4, ... above those.
            arrayFold(
                (state, round) -> (
                    arrayDistinct(arrayConcat(state.1, arrayMap(i -> state.2[i], state.1))),
                    arrayMap(i -> state.2[i], state.2)
                ),
                rounds,
                (above_metered, parents)
            ).1 AS above_usage
        FROM starts
    ),
    -- What the pointers found, as values. One that found nothing may rest anywhere: there the value is empty.
    named AS
    (
        SELECT
            workspace,
            trace_id,
            ids,
            places,
            parents,
            arrayMap(i -> runs[i], arraySlice(ends, 1, size)) AS run_of,
            arrayMap(i -> greatest(i, size) - size, arraySlice(ends, size + 1, size)) AS to_tool,
            arrayMap(i -> tools[i], to_tool) AS tool_of,
            arrayMap(i -> greatest(i, 2 * size) - 2 * size, arraySlice(ends, 2 * size + 1, size)) AS to_workflow,
            arrayMap(i -> workflows[i], to_workflow) AS workflow_of,
            arrayMap(i -> are_workflows[i], to_workflow) AS in_workflow,
            arrayMap(i -> calls[i], arrayMap(i -> greatest(i, 3 * size) - 3 * size, arraySlice(ends, 3 * size + 1, size))) AS call_of,
            arrayMap(i -> purposes[i], arrayMap(i -> greatest(i, 4 * size) - 4 * size, arraySlice(ends, 4 * size + 1, size))) AS purpose_of,
            -- A place seen a second time is one of those above.
            arrayMap(
                seen -> seen = 2,
                arraySlice(arrayEnumerateUniq(arrayConcat(above_usage, places)), length(above_usage) + 1)
            ) AS usage_below
        FROM reached
    ),
    -- One row a span again; _above = as seen from the parent, where the span itself must not be the answer.
    surroundings AS
    (
        SELECT
            workspace,
            trace_id,
            span_id,
            found_run,
            found_above,
            found_tool,
            run_of_tool,
            found_workflow,
            under_workflow,
            found_call,
            found_purpose,
            found_usage
        FROM
        (
            SELECT
                *,
                arrayMap(p -> run_of[p], parents) AS run_above,
                arrayMap(i -> run_of[i], to_tool) AS tool_runs,
                arrayMap(p -> in_workflow[p], parents) AS workflow_above,
                arrayMap(p -> call_of[p], arrayMap((i, p) -> if(p = i, 0, p), places, parents)) AS call_above
            FROM named
        )
        ARRAY JOIN
            ids AS span_id,
            run_of AS found_run,
            run_above AS found_above,
            tool_of AS found_tool,
            tool_runs AS run_of_tool,
            workflow_of AS found_workflow,
            workflow_above AS under_workflow,
            call_above AS found_call,
            purpose_of AS found_purpose,
            usage_below AS found_usage
    ),
    placed AS
    (
        SELECT
            workspace,
            trace_id,
            span_id,
            toDate(s.started_at) AS day,
            s.name AS name,
            s.role AS role,
            if(found_run != '', found_run, trace_id) AS run_id,
            found_run = '' AS outside,
            s.role = 'agent' OR (s.role = 'workflow' AND (outside OR s.run_id != '')) AS may_be_root,
            -- Who speaks for a run: an agent before others, the outermost, our own dialect first, the earliest.
            (s.role != 'agent', found_above = found_run, s.dialect != 'spanledger', s.started_at, span_id) AS seniority,
            (s.role != 'agent', s.started_at, span_id) AS order_in_run,
            multiIf(
                s.parent_run_id != '', s.parent_run_id,
                found_above NOT IN ('', found_run), found_above,
                found_above = '' AND NOT outside AND under_workflow, trace_id,
                ''
            ) AS parent_run_id,
            s.tenant AS told_tenant,
            s.agent_name AS agent_name,
            s.agent_id AS agent_id,
            s.agent_version AS agent_version,
            if(s.workflow_name != '', s.workflow_name, found_workflow) AS workflow_name,
            found_tool AS tool_name,
            found_tool != '' AND run_of_tool = found_run AS tool_in_run,
            found_tool != '' AND run_of_tool = found_above AND s.parent_run_id IN ('', found_above) AS tool_of_caller,
            if(found_purpose != '', found_purpose, 'work') AS purpose,
            s.conversation_id AS conversation_id,
            found_call AS enclosing_call,
            found_usage AS usage_below
        FROM surroundings AS a
        INNER JOIN
        (
            SELECT
                workspace,
                trace_id,
                span_id,
                started_at,
                name,
                role,
                dialect,
                run_id,
                parent_run_id,
                tenant,
                agent_name,
                agent_id,
                agent_version,
                workflow_name,
                conversation_id
            FROM settling_spans
            WHERE version = {version:UInt64}
        ) AS s USING (workspace, trace_id, span_id)
    )
SELECT
    workspace,
    trace_id,
    span_id,
    day,
    role,
    if(is_shared AND told_tenant != '', concat(trace_id, '.', told_tenant), shared_run_id) AS run_id,
    multiIf(root.2 = 'workflow', 'workflow', outside, 'trace', 'agent') AS run_kind,
    span_id = root.1 AS is_run_root,
    if(is_run_root, parent_run_id, '') AS parent_run_id,
    multiIf(
        is_shared, told_tenant,
        root_tenant != '', root_tenant,
        run_tenants = 1, run_tenant,
        run_tenants = 0 AND trace_tenants = 1, trace_tenant,
        ''
    ) AS tenant,
    if(outside, '', run_agent_name) AS agent_name,
    if(outside, '', run_agent_id) AS agent_id,
    if(outside, '', run_agent_version) AS agent_version,
    workflow_name,
    tool_name,
    if(is_run_root, tool_of_caller, tool_in_run) AS tool_is_near,
    purpose,
    multiIf(
        conversation_id != '', conversation_id,
        run_conversation != '', run_conversation,
        trace_conversations = 1, trace_conversation,
        ''
    ) AS conversation_id,
    enclosing_call,
    usage_below,
    {version:UInt64}
FROM
(
    SELECT
        * EXCEPT (run_id),
        run_id AS shared_run_id,
        argMinIf((span_id, role), seniority, may_be_root) OVER run AS root,
        argMinIf(told_tenant, seniority, may_be_root) OVER run AS root_tenant,
        argMinIf(
            if(agent_name != '', agent_name, name),
            seniority,
            agent_name != '' OR (role = 'agent' AND may_be_root)
        ) OVER run AS run_agent_name,
        argMinIf(agent_id, seniority, agent_id != '') OVER run AS run_agent_id,
        argMinIf(agent_version, seniority, agent_version != '') OVER run AS run_agent_version,
        uniqExactIf(told_tenant, told_tenant != '') OVER run AS run_tenants,
        anyIf(told_tenant, told_tenant != '') OVER run AS run_tenant,
        outside AND root.1 = '' AND run_tenants > 1 AS is_shared,
        argMinIf(conversation_id, order_in_run, conversation_id != '') OVER run AS run_conversation,
        uniqExactIf(told_tenant, told_tenant != '') OVER trace AS trace_tenants,
        anyIf(told_tenant, told_tenant != '') OVER trace AS trace_tenant,
        uniqExactIf(conversation_id, conversation_id != '') OVER trace AS trace_conversations,
        anyIf(conversation_id, conversation_id != '') OVER trace AS trace_conversation
    FROM placed
    WINDOW
        run AS (PARTITION BY workspace, trace_id, run_id),
        trace AS (PARTITION BY workspace, trace_id)
)
