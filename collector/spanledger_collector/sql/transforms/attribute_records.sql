-- attribute_records: finds the run that each record about the given traces is of, and which telling of it counts.
-- grain: one row a record, into run_records. Reads span_runs of the same settlement, records and run_keys.
-- parameters: version = the settlement; its spans are in settling_spans.
-- A record is found by its trace, by its run id, or by an external key. A run id or key that is in several traces is the
-- first one's. An external key is on everything below where it was set: its run is the topmost one that carries it.
-- Within a trace: the named run, else the run of the named span (a record without a subject names its own span), else the
-- top run. The span that a run is an execution of (also where another tells the same run) stands for the run as a whole. Of several tellings of a record the one recorded last counts, by the time that it says itself, so that the order in
-- which they arrive changes nothing; of two of one time the later name of a span. That may name somebody else: then the record is moved,
-- and counts there alone, or nowhere until its run is found. What was told within a trace of that trace stays there, whatever is told
-- elsewhere by its name (record_tellings). amount_usd: by the rate of the
-- day it happened (arithmetic/usd_per_currency).
INSERT INTO run_records
    (workspace, trace_id, run_id, told_by, subject_span_id, kind, record_id, tellings, is_moved, occurred_at, recorded_at, received_at, first_success_at,
    purpose, name, verdict, amount, currency, amount_usd, quantity, score, label, reason, version)
WITH
    -- The runs of these traces, by what a record may call them; top = the run for a record about the trace as a whole.
    placed AS
    (
        SELECT
            o.workspace AS workspace,
            o.trace_id AS trace_id,
            o.span_id AS span_id,
            o.run_id AS run_id,
            o.parent_run_id AS parent_run_id,
            s.external_key AS external_key,
            s.started_at AS started_at,
            s.role = 'record' AS is_record,
            o.is_run_root OR s.role = 'agent' AS is_whole
        FROM
        (
            SELECT workspace, trace_id, span_id, run_id, parent_run_id, is_run_root
            FROM span_runs
            WHERE (workspace, trace_id) IN (SELECT workspace, trace_id FROM settling WHERE version = {version:UInt64}) AND version = {version:UInt64}
        ) AS o
        INNER JOIN
        (
            SELECT workspace, trace_id, span_id, external_key, started_at, role
            FROM settling_spans
            WHERE version = {version:UInt64}
        ) AS s USING (workspace, trace_id, span_id)
    ),
    run_tree AS
    (
        SELECT
            workspace,
            trace_id,
            run_id,
            max(parent_run_id) AS parent_run_id,
            max(run_kind = 'agent') AS is_agent,
            row_number() OVER (PARTITION BY workspace, trace_id ORDER BY run_id) AS position
        FROM span_runs
        WHERE (workspace, trace_id) IN (SELECT workspace, trace_id FROM settling WHERE version = {version:UInt64}) AND version = {version:UInt64}
        GROUP BY workspace, trace_id, run_id
    ),
    -- Agents' runs that no other is above: each run's pointer to its caller is doubled, with whether an agent was on the way.
    outermost AS
    (
        SELECT
            workspace,
            trace_id,
            arrayFilter(
                (node, inside) -> node.is_agent AND NOT inside,
                nodes,
                arrayFold(
                    (state, round) -> (
                        arrayMap((inside, up) -> toUInt8(inside OR (up != 0 AND state.1[up])), state.1, state.2),
                        arrayMap(up -> if(up = 0, 0, state.2[up]), state.2)
                    ),
                    range(toUInt8(ceil(log2(length(nodes) + 1))) + 1),
                    (nodes.in_agent, nodes.parent)
                ).1
            ).run_id AS run_ids
        FROM
        (
            SELECT
                c.workspace AS workspace,
                c.trace_id AS trace_id,
                arraySort(n -> n.1, groupArray((c.position, p.position, c.run_id, c.is_agent, p.is_agent)))::Array(
                    Tuple(position UInt32, parent UInt32, run_id String, is_agent UInt8, in_agent UInt8)
                ) AS nodes
            FROM run_tree AS c
            LEFT ANY JOIN run_tree AS p ON p.workspace = c.workspace AND p.trace_id = c.trace_id AND p.run_id = c.parent_run_id
            GROUP BY c.workspace, c.trace_id
        )
    ),
    tops AS
    (
        SELECT
            t.workspace AS workspace,
            t.trace_id AS trace_id,
            if(length(o.run_ids) = 1, o.run_ids[1], t.top_run_id) AS top_run_id
        FROM
        (
            SELECT
                workspace,
                trace_id,
                argMin(run_id, (is_record, parent_run_id != '', started_at, run_id)) AS top_run_id
            FROM placed
            GROUP BY workspace, trace_id
        ) AS t
        LEFT ANY JOIN outermost AS o ON o.workspace = t.workspace AND o.trace_id = t.trace_id
    ),
    keys AS
    (
        SELECT
            workspace,
            trace_id,
            'key' AS kind,
            external_key AS key,
            arraySort(r -> (has(holders.run_id, r.parent_run_id), r.started_at, r.run_id), holders)[1].run_id AS run_id
        FROM
        (
            SELECT
                workspace,
                trace_id,
                external_key,
                groupArray((run_id, parent_run_id, started_at))::Array(
                    Tuple(run_id String, parent_run_id String, started_at DateTime64(9, 'UTC'))
                ) AS holders
            FROM
            (
                SELECT
                    workspace,
                    trace_id,
                    external_key,
                    run_id,
                    max(parent_run_id) AS parent_run_id,
                    min(started_at) AS started_at
                FROM placed
                WHERE external_key != '' AND NOT is_record
                GROUP BY workspace, trace_id, external_key, run_id
            )
            GROUP BY workspace, trace_id, external_key
        )
        UNION ALL
        SELECT DISTINCT workspace, trace_id, 'run' AS kind, run_id AS key, run_id
        FROM placed
        WHERE NOT is_record
    ),
    owned AS
    (
        SELECT
            k.workspace AS workspace,
            k.trace_id AS trace_id,
            k.kind AS kind,
            k.key AS key,
            k.run_id AS run_id
        FROM keys AS k
        INNER JOIN
        (
            SELECT workspace, kind, key, argMin(trace_id, (received_at, trace_id)) AS trace_id
            FROM run_keys
            WHERE (workspace, kind, key) IN (SELECT workspace, kind, key FROM keys)
            GROUP BY workspace, kind, key
        ) AS first USING (workspace, kind, key, trace_id)
    ),
    found AS
    (
        SELECT
            r.workspace AS workspace,
            r.subject AS trace_id,
            r.kind AS kind,
            r.record_id AS record_id,
            r.trace_id AS told_in,
            r.span_id AS span_id,
            r.sequence AS sequence,
            r.occurred_at AS occurred_at,
            r.recorded_at AS recorded_at,
            r.received_at AS received_at,
            r.purpose AS purpose,
            r.name AS name,
            r.verdict AS verdict,
            r.amount AS amount,
            r.currency AS currency,
            r.quantity AS quantity,
            r.score AS score,
            r.label AS label,
            r.reason AS reason,
            multiIf(r.subject_run_id != '', r.subject_run_id, p.run_id != '', p.run_id, t.top_run_id) AS run_id,
            if(r.subject_span_id = r.span_id, '', r.subject_span_id) AS about_span_id,
            r.subject = r.trace_id AS is_local
        FROM records AS r
        INNER JOIN tops AS t ON t.workspace = r.workspace AND t.trace_id = r.subject
        LEFT ANY JOIN placed AS p ON p.workspace = r.workspace AND p.trace_id = r.subject AND p.span_id = r.subject_span_id
        WHERE r.subject_kind = 'trace' AND (r.workspace, r.subject) IN (SELECT workspace, trace_id FROM settling WHERE version = {version:UInt64})
        UNION ALL
        SELECT
            r.workspace AS workspace,
            o.trace_id AS trace_id,
            r.kind AS kind,
            r.record_id AS record_id,
            r.trace_id AS told_in,
            r.span_id AS span_id,
            r.sequence AS sequence,
            r.occurred_at AS occurred_at,
            r.recorded_at AS recorded_at,
            r.received_at AS received_at,
            r.purpose AS purpose,
            r.name AS name,
            r.verdict AS verdict,
            r.amount AS amount,
            r.currency AS currency,
            r.quantity AS quantity,
            r.score AS score,
            r.label AS label,
            r.reason AS reason,
            o.run_id AS run_id,
            r.subject_span_id AS about_span_id,
            false AS is_local
        FROM records AS r
        INNER JOIN owned AS o ON o.workspace = r.workspace AND o.kind = r.subject_kind AND o.key = r.subject
        WHERE (r.workspace, r.subject_kind, r.subject) IN (SELECT workspace, kind, key FROM owned)
    ),
    -- The last telling of each record that may be among these, whomever it names.
    last_told AS
    (
        SELECT
            workspace,
            kind,
            record_id,
            max(telling) AS last_telling
        FROM
        (
            -- A telling that comes again is as old as its first copy.
            SELECT
                workspace,
                kind,
                record_id,
                min((recorded_at, occurred_at, span_id, trace_id)) AS telling
            FROM record_tellings
            WHERE (workspace, kind, record_id) IN (
                SELECT workspace, kind, record_id
                FROM records
                WHERE (workspace, subject_kind, subject) IN (
                    SELECT
                        workspace,
                        named.1,
                        named.2
                    FROM
                    (
                        SELECT
                            workspace,
                            arrayJoin([('trace', trace_id), ('run', if(run_id != '', run_id, span_id)), ('key', external_key)]) AS named
                        FROM settling_spans
                        WHERE version = {version:UInt64}
                    )
                    WHERE named.2 != ''
                )
            )
            GROUP BY workspace, kind, record_id, trace_id, span_id
        )
        GROUP BY workspace, kind, record_id
    )
SELECT
    workspace,
    trace_id,
    newest.1,
    newest.12,
    newest.2,
    kind,
    record_id,
    tellings,
    NOT has_local AND last_telling > (newest.15, newest.3, newest.12, newest.16),
    newest.3,
    newest.15,
    newest.14,
    first_success_at,
    newest.13,
    newest.4,
    newest.5,
    newest.6,
    newest.7,
    if(
        newest.7 = 'USD',
        newest.6,
        accurateCastOrNull(
            roundBankers(
                toDecimal256(newest.6, 12) * nullIf(
                    @include arithmetic/usd_per_currency,
                    0
                ),
                12
            ),
            'Decimal(38, 12)'
        )
    ),
    newest.8,
    newest.9,
    newest.10,
    newest.11,
    {version:UInt64}
FROM
(
    SELECT
        workspace,
        trace_id,
        kind,
        record_id,
        count() AS tellings,
        max(is_local) AS has_local,
        minOrNullIf(received_at, kind = 'outcome' AND verdict = 'success') AS first_success_at,
        toString(newest.7) AS told_currency,
        toDateTime64(newest.14, 3) AS known_at,
        toDateTime64(newest.3, 3) AS happened_at,
        argMax(
            (run_id, judged_span_id, occurred_at, name, verdict, amount, currency, quantity, score, label, reason, span_id, purpose,
            received_at, recorded_at, told_in),
            (recorded_at, occurred_at, span_id, told_in)
        ) AS newest
    FROM
    (
        -- A telling that comes again, by a sender that doubts or a file that is imported twice, undoes no amendment: it is as
        -- old as its first copy.
        SELECT
            *,
            if(
                about_span_id != '' AND (workspace, trace_id, run_id, about_span_id) IN (
                    SELECT workspace, trace_id, run_id, span_id FROM placed WHERE is_whole
                ),
                '',
                about_span_id
            ) AS judged_span_id
        FROM found
        ORDER BY received_at, sequence
        LIMIT 1 BY workspace, trace_id, kind, record_id, told_in, span_id
    )
    GROUP BY workspace, trace_id, kind, record_id
) AS t
LEFT ANY JOIN last_told USING (workspace, kind, record_id)
