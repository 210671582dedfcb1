-- judge_repeats: finds what was wasted because an agent, workflow, task or tool was done again: all that is inside the earlier one.
-- grain: one row a span so found, into answer_verdicts. Reads span_runs and answer_verdicts of the same settlement.
-- parameters: version = the settlement; its spans are in settling_spans.
-- A span that is no call may name earlier work of its trace that it repeats (retry_of, reason application_retry) or whose result it makes
--   anew (rework_of, reason as told, else regenerated): by span id, or by the id of a run. (Calls that name calls: judge_calls.)
-- The earlier work ended before the later began, and is no call. All below it, runs of sub-agents too, is wasted; of several such around
--   a span the nearest says why. The later work may be inside the earlier one, started by what was left of it: it is not wasted by that.
-- An answer that was judged wrong stays so; work of another purpose (appraisal, prevention) is never wasted.
INSERT INTO answer_verdicts (workspace, trace_id, span_id, reason, version)
WITH
    naming AS
    (
        SELECT
            workspace,
            trace_id,
            span_id,
            parent_span_id,
            started_at,
            ended_at,
            role != 'call' AS may_be_named,
            if(role IN ('agent', 'workflow', 'task', 'tool'), retry_of, '') AS repeats,
            if(role IN ('agent', 'workflow', 'task', 'tool'), rework_of, '') AS remakes,
            rework_reason
        FROM settling_spans
        WHERE version = {version:UInt64}
            AND (workspace, trace_id) IN (
                SELECT workspace, trace_id
                FROM settling_spans
                WHERE version = {version:UInt64} AND role IN ('agent', 'workflow', 'task', 'tool') AND (retry_of != '' OR rework_of != '')
            )
    ),
    placed AS
    (
        SELECT
            n.*,
            o.run_id AS run_id,
            o.is_run_root AS is_run_root,
            o.purpose AS purpose,
            row_number() OVER (PARTITION BY n.workspace, n.trace_id ORDER BY n.started_at, n.span_id) AS position
        FROM naming AS n
        INNER JOIN
        (
            SELECT workspace, trace_id, span_id, run_id, is_run_root, purpose
            FROM span_runs
            WHERE (workspace, trace_id) IN (SELECT workspace, trace_id FROM settling WHERE version = {version:UInt64}) AND version = {version:UInt64}
        ) AS o ON o.workspace = n.workspace AND o.trace_id = n.trace_id AND o.span_id = n.span_id
    ),
    -- Which work was done again by which, and why it was wasted.
    repeated AS
    (
        SELECT
            l.workspace AS workspace,
            l.trace_id AS trace_id,
            e.position AS earlier,
            l.position AS later,
            l.why AS why
        FROM
        (
            SELECT workspace, trace_id, span_id, position, started_at, told.1 AS named, told.2 AS why
            FROM placed
            ARRAY JOIN [
                (repeats, 'application_retry'),
                (remakes, if(rework_reason != '', toString(rework_reason), 'regenerated'))
            ] AS told
            WHERE told.1 != ''
        ) AS l
        INNER JOIN
        (
            SELECT workspace, trace_id, span_id, position, ended_at, name
            FROM placed
            ARRAY JOIN arrayDistinct([span_id, if(is_run_root, run_id, span_id)]) AS name
            WHERE may_be_named
        ) AS e ON e.workspace = l.workspace AND e.trace_id = l.trace_id AND e.name = l.named
        WHERE e.span_id != l.span_id AND e.ended_at <= l.started_at
    ),
    -- One row a trace: of every span the works around it, itself included, that were done again or that do others again: sets of those
    -- above, doubled (as in sum_runs). Place 0 means nowhere.
    trees AS
    (
        SELECT
            t.workspace AS workspace,
            t.trace_id AS trace_id,
            t.ids AS ids,
            r.pairs AS pairs,
            arrayDistinct(arrayConcat(r.pairs.earlier, r.pairs.later)) AS concerned,
            arrayFold(
                (state, round) -> (
                    arrayMap((own, up) -> arrayDistinct(arrayConcat(own, if(up = 0, emptyArrayUInt64(), state.1[up]))), state.1, state.2),
                    arrayMap(up -> if(up = 0, 0, state.2[up]), state.2)
                ),
                range(toUInt8(ceil(log2(length(t.ids) + 1))) + 1),
                (
                    arrayMap(place -> if(has(concerned, place), [place], emptyArrayUInt64()), arrayEnumerate(t.ids)::Array(UInt64)),
                    t.parents
                )
            ).1 AS around
        FROM
        (
            SELECT
                workspace,
                trace_id,
                arraySort(n -> n.1, groupArray((position, span_id, parent_span_id))) AS nodes,
                arrayMap(n -> n.2, nodes) AS ids,
                arrayMap(
                    number -> if(number > length(ids), 0, number),
                    arraySlice(arrayEnumerateDense(arrayConcat(ids, arrayMap(n -> n.3, nodes))), length(ids) + 1)
                ) AS parents
            FROM placed
            GROUP BY workspace, trace_id
        ) AS t
        INNER JOIN
        (
            SELECT
                workspace,
                trace_id,
                groupArray((earlier, later, why))::Array(Tuple(earlier UInt64, later UInt64, why String)) AS pairs
            FROM repeated
            GROUP BY workspace, trace_id
        ) AS r ON r.workspace = t.workspace AND r.trace_id = t.trace_id
    ),
    -- Of the pairs whose earlier work is around a span, and whose later is not, the nearest: it began last.
    wasted AS
    (
        SELECT
            workspace,
            trace_id,
            span_id,
            arrayFilter(p -> has(works, p.earlier) AND NOT has(works, p.later), pairs) AS wasting,
            arraySort(p -> (-toInt64(p.earlier), p.why = 'application_retry', p.why), wasting)[1].why AS why
        FROM trees
        ARRAY JOIN
            ids AS span_id,
            around AS works
        WHERE notEmpty(works)
    )
SELECT
    w.workspace,
    w.trace_id,
    w.span_id,
    w.why,
    {version:UInt64}
FROM wasted AS w
INNER JOIN placed AS p ON p.workspace = w.workspace AND p.trace_id = w.trace_id AND p.span_id = w.span_id
WHERE w.why != ''
    AND p.purpose = 'work'
    AND (w.workspace, w.trace_id, w.span_id) NOT IN (
        SELECT workspace, trace_id, span_id
        FROM answer_verdicts
        WHERE (workspace, trace_id) IN (SELECT workspace, trace_id FROM settling WHERE version = {version:UInt64}) AND version = {version:UInt64}
    )
