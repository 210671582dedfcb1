-- pair_tellers: finds agents' spans that tell the execution that another instrumentation tells inside them: both are of one run.
-- grain: one row an outer span, into told_twice. parameters: version = the settlement; its spans are in settling_spans.
-- An agent's span without a stamped run id, whose only child (records aside) is an agent's span of the same name, by another instrumentation
-- of the same service, within its time. The run is the inner one's, which mostly arrives first, so that it keeps its id. So a span with a
-- stamped run id is none: that id cannot be changed, and the inner run may be charged before the outer one is there.
-- An agent that calls itself has spans of one instrumentation; where it is told twice, it has work of its own beside the next one: the
-- call of the model that asks for it. Without any, some of its spans stay runs of their own.
INSERT INTO told_twice (version, workspace, trace_id, span_id, inner_run)
WITH
    agents AS
    (
        SELECT
            workspace,
            trace_id,
            span_id,
            parent_span_id,
            agent_name,
            if(startsWith(scope_name, 'spanledger'), 'spanledger', toString(scope_name)) AS teller,
            service_name,
            run_id,
            started_at,
            ended_at
        FROM settling_spans
        WHERE version = {version:UInt64} AND role = 'agent' AND agent_name != ''
    ),
    told_inside AS
    (
        SELECT
            i.workspace AS workspace,
            i.trace_id AS trace_id,
            o.span_id AS outer_id,
            o.teller AS outer_teller,
            i.span_id AS inner_id,
            i.teller AS inner_teller,
            if(i.run_id != '', i.run_id, i.span_id) AS inner_run
        FROM agents AS i
        INNER JOIN agents AS o ON o.workspace = i.workspace AND o.trace_id = i.trace_id AND o.span_id = i.parent_span_id
        WHERE o.agent_name = i.agent_name
            AND o.teller != i.teller
            AND o.service_name = i.service_name
            AND o.run_id = ''
            AND o.started_at <= i.started_at
            AND o.ended_at >= i.ended_at
            AND (o.workspace, o.trace_id, o.span_id) NOT IN (
                SELECT workspace, trace_id, parent_span_id
                FROM settling_spans
                WHERE version = {version:UInt64} AND role != 'record' AND parent_span_id IN (SELECT span_id FROM agents)
                GROUP BY workspace, trace_id, parent_span_id
                HAVING count() > 1
            )
    )
SELECT {version:UInt64}, t.workspace, t.trace_id, t.outer_id, t.inner_run
FROM told_inside AS t
LEFT ANY JOIN told_inside AS u ON u.workspace = t.workspace AND u.trace_id = t.trace_id AND u.inner_id = t.outer_id
WHERE u.outer_teller != t.inner_teller
