-- trace_callers: how each run that another one called was reached, for the paths of the cost flame graph.
-- grain: one row a run with an agent above it, into run_paths. Reads span_runs of the same settlement.
-- parameters: version = the settlement; its traces are in settling.
-- How: each run points to the one that called it, and pointers are doubled as in attribute_spans, each time with what was passed on
-- the way. Runs that call each other in a circle, and what is below them, have no outermost caller: they begin paths of their own.
-- A path has at most 32 callers, the outermost ones: what is deeper hangs under the last of them.
-- A caller that is no agent (a workflow, what ran outside any agent) is passed over, unless it called by a tool.
INSERT INTO run_paths (workspace, trace_id, run_id, called_by, version)
WITH
    run_tree AS
    (
        SELECT
            workspace,
            trace_id,
            run_id,
            max(parent_run_id) AS parent_run_id,
            any(agent_name) AS agent,
            maxIf(tool_name, is_run_root AND tool_is_near) AS called_with,
            row_number() OVER (PARTITION BY workspace, trace_id ORDER BY run_id) AS position
        FROM span_runs
        WHERE (workspace, trace_id) IN (SELECT workspace, trace_id FROM settling WHERE version = {version:UInt64}) AND version = {version:UInt64}
        GROUP BY
            workspace,
            trace_id,
            run_id
    ),
    traces AS
    (
        SELECT
            c.workspace AS workspace,
            c.trace_id AS trace_id,
            arraySort(n -> n.1, groupArray((c.position, p.position, c.run_id, if(p.agent = '' AND c.called_with = '', [], [p.agent, c.called_with]))))::Array(
                Tuple(position UInt32, parent UInt32, run_id String, step Array(String))
            ) AS nodes
        FROM run_tree AS c
        LEFT ANY JOIN run_tree AS p
            ON p.workspace = c.workspace AND p.trace_id = c.trace_id AND p.run_id = c.parent_run_id
        GROUP BY
            c.workspace,
            c.trace_id
    ),
    climbed AS
    (
        SELECT
            workspace,
            trace_id,
            arrayMap(n -> n.run_id, nodes) AS run_ids,
            arrayFold(
                (state, round) -> (
                    arrayMap((path, up) -> if(up = 0, path, arraySlice(arrayConcat(state.1[up], path), 1, 64)), state.1, state.2),
                    arrayMap(up -> if(up = 0, 0, state.2[up]), state.2)
                ),
                range(toUInt8(ceil(log2(length(nodes) + 1))) + 1),
                (arrayMap(n -> n.step, nodes), arrayMap(n -> n.parent, nodes))
            ) AS ends
        FROM traces
    )
SELECT
    workspace,
    trace_id,
    run_id,
    called_by,
    {version:UInt64}
FROM climbed
ARRAY JOIN
    run_ids AS run_id,
    ends.1 AS called_by,
    ends.2 AS unending
WHERE unending = 0 AND notEmpty(called_by)
