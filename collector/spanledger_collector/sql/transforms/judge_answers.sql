-- judge_answers: finds what was wasted because an answer was judged wrong or hallucinated, and what was built on it.
-- grain: one row a span so found, into answer_verdicts. Reads span_runs, run_records and call_verdicts of the same settlement.
-- parameters: version = the settlement; its spans are in settling_spans.
-- Judged: the named span, whichever teller of its call was named, and all below it; without a span, or by the span of its agent
--   (attribute_records), the run, and all below it.
--   The verdict nearest above a span counts; of two about the same span hallucinated before wrong.
-- Built on it: what began, in the run that got the answer, after the answer ended and before a call that makes it again
--   (rework_of) began; and all below that. A call's answer is got by its run, a run's answer by the run that called it.
--   What makes it again may be around that call (a sub-agent, a task): it is not built on it.
-- A run hands a bad answer that it got on to the run that called it, with its own, where it was not made again before the run
--   ended; and that one to the run that called it. Its own work before is not wasted by that.
-- Work of another purpose (appraisal, prevention) is never wasted by a verdict: it is a cost of quality of its own.
INSERT INTO answer_verdicts (workspace, trace_id, span_id, reason, version)
WITH RECURSIVE
    verdicts AS
    (
        SELECT workspace, trace_id, run_id, subject_span_id, min(toString(r.verdict)) AS verdict
        FROM run_records AS r
        WHERE (workspace, trace_id) IN (SELECT workspace, trace_id FROM settling WHERE version = {version:UInt64})
            AND version = {version:UInt64} AND kind = 'evaluation' AND r.verdict IN ('wrong', 'hallucinated') AND NOT is_moved
        GROUP BY workspace, trace_id, run_id, subject_span_id
    ),
    judged_traces AS
    (
        SELECT DISTINCT workspace, trace_id FROM verdicts
    ),
    tellers AS
    (
        SELECT
            workspace,
            trace_id,
            span_id,
            if(counted OR duplicate_of = '', span_id, duplicate_of) AS counted_as,
            rework_of
        FROM call_verdicts
        WHERE (workspace, trace_id) IN judged_traces AND version = {version:UInt64}
    ),
    -- The counted teller of every judged call; another span stands for itself.
    judged_spans AS
    (
        SELECT
            v.workspace AS workspace,
            v.trace_id AS trace_id,
            if(t.counted_as != '', t.counted_as, v.subject_span_id) AS span_id,
            min(v.verdict) AS span_verdict
        FROM verdicts AS v
        LEFT ANY JOIN tellers AS t ON t.workspace = v.workspace AND t.trace_id = v.trace_id AND t.span_id = v.subject_span_id
        WHERE v.subject_span_id != ''
        GROUP BY workspace, trace_id, span_id
    ),
    judged_runs AS
    (
        SELECT workspace, trace_id, run_id, verdict AS run_verdict
        FROM verdicts
        WHERE subject_span_id = ''
    ),
    -- When an answer was made again.
    remade AS
    (
        SELECT
            r.workspace AS workspace,
            r.trace_id AS trace_id,
            if(t.counted_as != '', t.counted_as, r.rework_of) AS span_id,
            min(s.started_at) AS remade_at
        FROM (SELECT * FROM tellers WHERE rework_of NOT IN ('', span_id)) AS r
        LEFT ANY JOIN tellers AS t ON t.workspace = r.workspace AND t.trace_id = r.trace_id AND t.span_id = r.rework_of
        INNER JOIN
        (
            SELECT workspace, trace_id, span_id, started_at
            FROM settling_spans
            WHERE version = {version:UInt64}
        ) AS s ON s.workspace = r.workspace AND s.trace_id = r.trace_id AND s.span_id = r.span_id
        GROUP BY workspace, trace_id, span_id
    ),
    placed AS
    (
        SELECT
            o.workspace AS workspace,
            o.trace_id AS trace_id,
            o.span_id AS span_id,
            o.run_id AS run_id,
            if(o.is_run_root, o.parent_run_id, o.run_id) AS got_by,
            o.purpose AS purpose,
            o.role AS role,
            o.is_run_root AS is_run_root,
            s.parent_span_id AS parent_span_id,
            s.started_at AS started_at,
            s.ended_at AS ended_at,
            if(j.span_verdict != '', j.span_verdict, if(r.run_verdict != '' AND o.is_run_root, r.run_verdict, '')) AS answer_verdict,
            if(j.span_verdict != '', j.span_verdict, r.run_verdict) AS own_verdict,
            if(toUnixTimestamp64Nano(m.remade_at) = 0, toDateTime64('2261-01-01 00:00:00', 9, 'UTC'), m.remade_at) AS remade_at
        FROM
        (
            SELECT workspace, trace_id, span_id, run_id, role, is_run_root, parent_run_id, purpose
            FROM span_runs
            WHERE (workspace, trace_id) IN judged_traces AND version = {version:UInt64}
        ) AS o
        INNER JOIN
        (
            SELECT workspace, trace_id, span_id, parent_span_id, started_at, ended_at
            FROM settling_spans
            WHERE version = {version:UInt64}
        ) AS s ON s.workspace = o.workspace AND s.trace_id = o.trace_id AND s.span_id = o.span_id
        LEFT ANY JOIN judged_spans AS j ON j.workspace = o.workspace AND j.trace_id = o.trace_id AND j.span_id = o.span_id
        LEFT ANY JOIN judged_runs AS r ON r.workspace = o.workspace AND r.trace_id = o.trace_id AND r.run_id = o.run_id
        LEFT ANY JOIN remade AS m ON m.workspace = o.workspace AND m.trace_id = o.trace_id AND m.span_id = o.span_id
    ),
    bad_answers AS
    (
        SELECT workspace, trace_id, got_by, span_id, ended_at, remade_at, answer_verdict
        FROM placed
        WHERE answer_verdict != '' AND got_by != ''
    ),
    called_runs AS
    (
        SELECT workspace, trace_id, run_id, got_by, span_id, ended_at
        FROM placed
        WHERE is_run_root AND got_by NOT IN ('', run_id)
    ),
    -- One row a run and how far up, ending where it was made again. The depth ends runs that call each other in a circle.
    handed_on AS
    (
        SELECT
            r.workspace AS workspace,
            r.trace_id AS trace_id,
            r.got_by AS got_by,
            r.span_id AS span_id,
            r.ended_at AS ended_at,
            max((a.remade_at, a.answer_verdict)) AS lasting,
            toUInt8(1) AS depth
        FROM bad_answers AS a
        INNER JOIN called_runs AS r ON r.workspace = a.workspace AND r.trace_id = a.trace_id AND r.run_id = a.got_by
        WHERE a.ended_at <= r.ended_at AND a.remade_at > r.ended_at
        GROUP BY workspace, trace_id, got_by, span_id, ended_at
        UNION ALL
        SELECT r.workspace, r.trace_id, r.got_by, r.span_id, r.ended_at, h.lasting, toUInt8(h.depth + 1)
        FROM handed_on AS h
        INNER JOIN called_runs AS r ON r.workspace = h.workspace AND r.trace_id = h.trace_id AND r.run_id = h.got_by
        WHERE h.ended_at <= r.ended_at AND h.lasting.1 > r.ended_at AND h.depth < 100
    ),
    -- Answers in the order of their ends, each with the one so far that is relied upon the longest.
    answers AS
    (
        SELECT
            workspace,
            trace_id,
            got_by AS run_id,
            ended_at,
            max(lasting) OVER (
                PARTITION BY workspace, trace_id, got_by
                ORDER BY ended_at, span_id
                ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
            ) AS relied_on
        FROM
        (
            SELECT workspace, trace_id, got_by, span_id, ended_at, (remade_at, answer_verdict) AS lasting
            FROM bad_answers
            UNION ALL
            SELECT workspace, trace_id, got_by, span_id, ended_at, lasting
            FROM handed_on
        )
    ),
    marked AS
    (
        SELECT
            p.*,
            if(p.own_verdict = '' AND a.relied_on.1 > if(p.role = 'call', p.started_at, p.ended_at), concat('built_on_', a.relied_on.2), '') AS built_on
        FROM placed AS p
        ASOF LEFT JOIN answers AS a
            ON a.workspace = p.workspace AND a.trace_id = p.trace_id AND a.run_id = p.got_by AND p.started_at >= a.ended_at
    ),
    -- One row a trace, and two pointers a span: to the nearest verdict above, and to the nearest that is built on one.
    -- The technique is that of attribute_spans.
    trees AS
    (
        SELECT
            workspace,
            trace_id,
            groupArray(span_id) AS ids,
            groupArray(purpose) AS purposes,
            groupArray(own_verdict) AS own_verdicts,
            groupArray(built_on) AS builts,
            arrayMap(
                number -> if(number > length(ids), 0, number),
                arraySlice(arrayEnumerateDense(arrayConcat(ids, groupArray(parent_span_id))), length(ids) + 1)
            ) AS parents,
            length(ids) AS size,
            arrayConcat(
                arrayMap((i, p, own) -> if(own != '', i, p), arrayEnumerate(ids), parents, own_verdicts),
                arrayMap((i, p, own) -> if(own != '', i + size, if(p = 0, 0, p + size)), arrayEnumerate(ids), parents, builts)
            ) AS pointers,
            arrayFold((to, round) -> arrayMap(i -> to[i], to), range(toUInt8(ceil(log2(size + 1))) + 1), pointers) AS ends
        FROM marked
        GROUP BY workspace, trace_id
    )
SELECT
    workspace,
    trace_id,
    span_id,
    if(verdict_found != '', verdict_found, built_found) AS reason,
    {version:UInt64}
FROM
(
    SELECT
        workspace,
        trace_id,
        ids,
        purposes,
        arrayMap(i -> own_verdicts[i], arraySlice(ends, 1, size)) AS verdicts_found,
        arrayMap(i -> builts[i], arrayMap(i -> greatest(i, size) - size, arraySlice(ends, size + 1, size))) AS builts_found
    FROM trees
)
ARRAY JOIN
    ids AS span_id,
    purposes AS purpose,
    verdicts_found AS verdict_found,
    builts_found AS built_found
WHERE purpose = 'work' AND (verdict_found != '' OR built_found != '')
