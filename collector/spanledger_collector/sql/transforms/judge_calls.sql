-- judge_calls: decides which spans of the given traces count, so that one call told by several tellers is paid once.
-- grain: one row a span that is a call or claims usage, into call_verdicts. Reads span_runs of the same settlement.
-- parameters: version = the settlement; its spans are in settling_spans.
-- Rules, in this order:
--   ignore             never counts (not_billable)
--   engine             counts when nobody told the call: not when it is inside a call, or beside one with its tokens
--   agent, workflow, task, tool, other with usage: aggregate when any usage is below it, else it counts as
--     aggregate_only (a sampled trace that kept only the agent, or calls that were told without their usage). One that
--     claims 0 of everything, or what cannot be, says nothing: it counts, unmetered, only where no call of the trace was told
--   calls with the same non-empty response id are one call (duplicate_response); two different ids never are, unless one
--     teller says that they are the answer's and the request's (Groq)
--   an answer that the provider keeps (deferred_answers) counts once in the ledger: in the trace that told it first
--   a call inside a call is the same call (duplicate_nested) when at least one has no response id, the models agree, the
--     token counts are equal (or would be, without the cached input that only one of them tells) or one of them is not the
--     provider's, and both failed or both did not (or both have the provider's counts); of several such calls of one scope
--     inside the same call, only the last. In the same scope: when both have the provider's equal counts, or only the
--     outer one tells usage. In another scope one output token may be told more where nothing else of its scope is inside:
--     an Anthropic stream begins with one, which some add. Never one that says that it repeats the call around it
--   a call without id whose counts are the sum of those of several calls of one scope inside it is their aggregate, and so
--     is whatever else tells that call
--   calls of other scopes that ran at the same time in the same run are the same call (duplicate_beside) when one has no
--     response id, the models agree and both have the provider's equal token counts; one to one, in order of their starts
--   a call without usage and id is the one whose usage the same scope tells afterwards in a span without duration, under
--     the same parent, of the same model (duplicate_beside); one to one, in order
--   a call without id that is the root of its trace is the call of another scope of the same service that is the root of
--     another trace (root_calls, duplicate_beside), when one of the two ran within the other, the models agree, both failed
--     or both did not and the provider's counts are equal; where neither has an id, the inner one counts. Two with one id
--     are one call (duplicate_response) when they overlap in time, whatever they count; the trace of the shortest counts, or
--     the one that knows that it is told apart (spanledger.response.told_apart), which need not be a root
--   counts are equal also where one teller has those of the bill and another those of the model, when the first tells both
--   models agree when one begins with the other, without the region and the vendor in front (acme/m, us.anthropic.m)
-- The counted teller: usage from the provider before an estimate before none, our own span first, then the one with the
-- most buckets, then the shortest (innermost). It takes over retries and rework marks that only another teller has.
INSERT INTO call_verdicts
    (workspace, trace_id, span_id, counted, usage_quality, excluded_reason, duplicate_of, retry_reasons,
    retry_wait_seconds, retry_of, rework_of, rework_reason, version)
WITH
    claims AS
    (
        SELECT
            s.workspace AS workspace,
            s.trace_id AS trace_id,
            s.span_id AS span_id,
            s.role AS role,
            s.parent_span_id AS parent_span_id,
            o.run_id AS run_id,
            o.enclosing_call AS enclosing_call,
            s.service_name AS service_name,
            s.scope_name AS scope_name,
            s.dialect AS dialect,
            if(startsWith(s.scope_name, 'spanledger.'), 'spanledger', s.scope_name) AS teller,
            s.status = 'error' AS failed,
            s.started_at AS started_at,
            s.ended_at AS ended_at,
            s.duration_ns AS duration_ns,
            -- By whichever of its ids a call is told, it is one.
            if(r.answer_id != '', r.answer_id, s.response_id) AS response_id,
            s.told_apart AS counts_apart,
            s.request_model AS request_model,
            replaceRegexpOne(lower(splitByChar('/', if(s.response_model != '', s.response_model, s.request_model))[-1]), '^(?:[a-z-]+\\.)+', '') AS model,
            s.usage_source AS usage_source,
            s.input_uncached_tokens + s.cache_read_tokens + s.cache_write_5m_tokens + s.cache_write_1h_tokens AS input_tokens,
            s.input_uncached_tokens AS input_uncached_tokens,
            s.output_tokens AS output_tokens,
            s.processed_input_tokens AS processed_input,
            s.processed_output_tokens AS processed_output,
            arrayCount(
                tokens -> tokens > 0,
                [s.input_uncached_tokens, s.cache_read_tokens, s.cache_write_5m_tokens, s.cache_write_1h_tokens,
                s.output_tokens, s.reasoning_tokens]
            ) + length(s.units) - mapContains(s.units, 'output_untold') AS buckets,
            s.retry_reasons AS retry_reasons,
            s.retry_wait_seconds AS retry_wait_seconds,
            s.retry_of AS retry_of,
            s.rework_of AS rework_of,
            s.rework_reason AS rework_reason
        FROM
        (
            SELECT
                workspace,
                trace_id,
                span_id,
                parent_span_id,
                role,
                service_name,
                scope_name,
                dialect,
                status,
                started_at,
                ended_at,
                duration_ns,
                response_id,
                told_apart,
                response_model,
                request_model,
                usage_source,
                input_uncached_tokens,
                cache_read_tokens,
                cache_write_5m_tokens,
                cache_write_1h_tokens,
                output_tokens,
                reasoning_tokens,
                processed_input_tokens,
                processed_output_tokens,
                units,
                retry_reasons,
                retry_wait_seconds,
                retry_of,
                rework_of,
                rework_reason
            FROM settling_spans
            WHERE version = {version:UInt64} AND role = 'call'
        ) AS s
        INNER JOIN
        (
            SELECT
                workspace,
                trace_id,
                span_id,
                run_id,
                enclosing_call
            FROM span_runs
            WHERE (workspace, trace_id) IN (SELECT workspace, trace_id FROM settling WHERE version = {version:UInt64}) AND version = {version:UInt64}
        ) AS o USING (workspace, trace_id, span_id)
        LEFT ANY JOIN
        (
            SELECT
                workspace,
                trace_id,
                request_id,
                response_id AS answer_id
            FROM settling_spans
            WHERE version = {version:UInt64} AND request_id != '' AND response_id != ''
        ) AS r ON s.workspace = r.workspace AND s.trace_id = r.trace_id AND s.response_id = r.request_id
    ),
    -- seen_ = counts as the model saw them: what one teller says of them holds for all that tell the same bill.
    calls AS
    (
        SELECT
            *,
            row_number() OVER (PARTITION BY workspace, trace_id ORDER BY started_at, span_id) AS position,
            max((processed_input, processed_output)) OVER (PARTITION BY workspace, trace_id, input_tokens, output_tokens) AS processed,
            if(processed.1 > 0, processed.1, input_tokens) AS seen_input,
            if(processed.1 > 0, processed.2, output_tokens) AS seen_output
        FROM claims
    ),
    -- begun = position of a call that was told without its usage, told = of the span that tells it.
    parts AS
    (
        SELECT
            workspace,
            trace_id,
            begun,
            told
        FROM
        (
            SELECT
                workspace,
                trace_id,
                parent_span_id,
                scope_name,
                request_model,
                position AS begun,
                row_number() OVER (PARTITION BY workspace, trace_id, parent_span_id, scope_name, request_model ORDER BY position) AS number
            FROM calls
            WHERE response_id = '' AND usage_source NOT IN ('provider', 'estimated') AND NOT failed AND duration_ns > 0
        ) AS b
        INNER JOIN
        (
            SELECT
                workspace,
                trace_id,
                parent_span_id,
                scope_name,
                request_model,
                position AS told,
                row_number() OVER (PARTITION BY workspace, trace_id, parent_span_id, scope_name, request_model ORDER BY position) AS number
            FROM calls
            WHERE usage_source = 'provider' AND NOT failed AND duration_ns = 0
        ) AS t USING (workspace, trace_id, parent_span_id, scope_name, request_model, number)
        WHERE begun < told
    ),
    -- up = position of the call around it that is the same call, or that tells its usage; 0 = none.
    linked AS
    (
        SELECT
            * EXCEPT (candidate, begun, told),
            if(
                inside > 1 AND usage_source = 'provider' AND outer_usage_source = 'provider' AND outer_response_id = ''
                AND outer_output = output_inside
                AND (outer_input IN (input_inside, uncached_inside) OR outer_uncached = input_inside),
                outer_position,
                0
            ) AS summed_by,
            if(row_number() OVER (PARTITION BY workspace, trace_id, candidate, scope_name ORDER BY ended_at DESC, span_id) = 1, candidate, 0) AS around,
            if(around = 0, told, around) AS up,
            around = 0 AND told != 0 AS is_part
        FROM
        (
            SELECT
                *,
                countIf(usage_source = 'provider') OVER inside_one AS inside,
                sumIf(input_tokens, usage_source = 'provider') OVER inside_one AS input_inside,
                sumIf(input_uncached_tokens, usage_source = 'provider') OVER inside_one AS uncached_inside,
                sumIf(output_tokens, usage_source = 'provider') OVER inside_one AS output_inside,
                usage_source = 'provider' AND outer_usage_source = 'provider' AND input_tokens + output_tokens > 0 AS both_told,
                if(
                    (outer_scope != scope_name OR both_told OR (usage_source = 'missing' AND outer_usage_source = 'provider'))
                    AND (response_id = '' OR outer_response_id = '')
                    AND enclosing_call NOT IN (retry_of, rework_of)
                    AND (startsWith(model, outer_model) OR startsWith(outer_model, model))
                    -- A wrapper may refuse an answer that was billed.
                    AND (failed = outer_failed OR both_told)
                    AND (
                        (input_tokens = outer_input AND output_tokens = outer_output)
                        OR (seen_input = outer_seen_input AND seen_output = outer_seen_output)
                        OR (
                            input_uncached_tokens = outer_uncached
                            AND input_uncached_tokens IN (input_tokens, outer_input)
                            AND output_tokens = outer_output
                            AND output_tokens > 0
                        )
                        OR (
                            input_tokens = outer_input
                            AND abs(toInt64(output_tokens) - toInt64(outer_output)) = 1
                            AND input_tokens > 0
                            AND inside = 1
                            AND outer_scope != scope_name
                        )
                        OR usage_source != 'provider'
                        OR outer_usage_source != 'provider'
                    ),
                    outer_position,
                    0
                ) AS candidate
            FROM calls
            LEFT ANY JOIN
            (
                SELECT
                    workspace,
                    trace_id,
                    span_id AS enclosing_call,
                    position AS outer_position,
                    scope_name AS outer_scope,
                    response_id AS outer_response_id,
                    model AS outer_model,
                    failed AS outer_failed,
                    usage_source AS outer_usage_source,
                    input_tokens AS outer_input,
                    input_uncached_tokens AS outer_uncached,
                    output_tokens AS outer_output,
                    seen_input AS outer_seen_input,
                    seen_output AS outer_seen_output
                FROM calls
            ) AS e USING (workspace, trace_id, enclosing_call)
            WINDOW inside_one AS (PARTITION BY workspace, trace_id, enclosing_call, scope_name)
        ) AS c
        LEFT ANY JOIN parts AS p ON c.workspace = p.workspace AND c.trace_id = p.trace_id AND c.position = p.begun
    ),
    -- A call without id takes the nearest id above along the links; else the top of its chain stands for the chain.
    chains AS
    (
        SELECT
            workspace,
            trace_id,
            arraySort(n -> n.1, groupArray((position, up, response_id, is_part)))::Array(
                Tuple(position UInt64, up UInt64, response_id String, is_part Bool)
            ) AS nodes,
            arrayFold(
                (reached, round) -> arrayMap(i -> reached[i], reached),
                range(toUInt8(ceil(log2(length(nodes) + 1))) + 1),
                arrayMap(n -> if(n.up = 0 OR n.response_id != '', n.position, n.up), nodes)
            ) AS tops,
            arrayDistinct(groupArrayIf(summed_by, summed_by != 0)) AS sums,
            -- A position seen a second time is one of those.
            arrayMap(
                seen -> seen = 2,
                arraySlice(arrayEnumerateUniq(arrayConcat(sums, arrayMap(n -> n.position, nodes))), length(sums) + 1)
            ) AS are_sums,
            arrayMap(n -> n.response_id, nodes) AS ids,
            arrayMap(top -> ids[top], tops) AS top_ids,
            -- A call with an id under a chain without one belongs to that chain. (Looked up before the condition: a lookup
            -- inside it would copy the whole array for every element.)
            arrayMap(n -> tops[n.up], nodes) AS tops_above,
            arrayMap(n -> top_ids[n.up], nodes) AS top_ids_above,
            arrayMap(
                (n, top, top_above, id_above) -> if(n.response_id != '' AND n.up != 0 AND id_above = '', top_above, top),
                nodes,
                tops,
                tops_above,
                top_ids_above
            ) AS chain_of
        FROM linked
        GROUP BY
            workspace,
            trace_id
    ),
    grouped AS
    (
        SELECT
            *,
            multiIf(
                response_id != '', response_id,
                top_id != '', top_id,
                minIf(response_id, response_id != '') OVER (PARTITION BY workspace, trace_id, chain)
            ) AS shared_id,
            if(shared_id != '', 0, chain) AS shared_chain,
            if(usage_source = 'provider' AND first_told.1 != trace_id, first_told.2, '') AS told_before
        FROM calls
        LEFT ANY JOIN
        (
            SELECT
                workspace,
                response_id,
                argMin((trace_id, span_id), (received_at, started_at, trace_id, span_id)) AS first_told
            FROM deferred_answers
            WHERE (workspace, response_id) IN (SELECT workspace, response_id FROM claims)
            GROUP BY
                workspace,
                response_id
        ) AS f USING (workspace, response_id)
        INNER JOIN
        (
            SELECT
                workspace,
                trace_id,
                node.position AS position,
                node.is_part AS is_part,
                is_sum,
                top_id,
                chain
            FROM chains
            ARRAY JOIN
                nodes AS node,
                are_sums AS is_sum,
                top_ids AS top_id,
                chain_of AS chain
        ) AS g USING (workspace, trace_id, position)
    ),
    -- told_apart = the root of another trace that is the same call, apart_lasted = how long it took.
    twins AS
    (
        SELECT
            workspace,
            trace_id,
            span_id,
            argMin(r.other_span, (r.other_id = '', r.other_lasted, r.other_span)) AS told_apart,
            min(r.other_lasted) AS apart_lasted
        FROM
        (
            SELECT
                workspace,
                trace_id,
                span_id,
                service_name,
                if(
                    response_id = '',
                    cityHash64(toString(service_name), input_tokens, output_tokens),
                    cityHash64(toString(service_name), response_id)
                ) AS told_as,
                response_id,
                input_tokens,
                output_tokens,
                scope_name,
                model,
                failed,
                started_at,
                ended_at,
                toUnixTimestamp64Nano(ended_at) - toUnixTimestamp64Nano(started_at) AS lasted
            FROM claims
            WHERE parent_span_id = '' AND usage_source = 'provider' AND input_tokens + output_tokens > 0 AND NOT counts_apart
        ) AS c
        INNER JOIN
        (
            SELECT
                workspace,
                told_as,
                service_name AS other_service,
                input_tokens AS other_input,
                output_tokens AS other_output,
                trace_id AS other_trace,
                span_id AS other_span,
                scope_name AS other_scope,
                model AS other_model,
                response_id AS other_id,
                failed AS other_failed,
                started_at AS other_started,
                ended_at AS other_ended,
                if(told_apart, -1, toUnixTimestamp64Nano(ended_at) - toUnixTimestamp64Nano(started_at)) AS other_lasted
            FROM root_calls
            WHERE (workspace, told_as) IN (
                SELECT
                    workspace,
                    if(
                        response_id = '',
                        cityHash64(toString(service_name), input_tokens, output_tokens),
                        cityHash64(toString(service_name), response_id)
                    )
                FROM claims
                WHERE parent_span_id = '' AND usage_source = 'provider' AND NOT counts_apart
            )
        ) AS r USING (workspace, told_as)
        WHERE other_trace != trace_id
            AND other_service = service_name
            AND other_scope != scope_name
            AND NOT (startsWith(scope_name, 'spanledger') AND startsWith(other_scope, 'spanledger'))
            AND if(
                response_id != '',
                other_id = response_id AND other_started <= ended_at AND other_ended >= started_at,
                other_input = input_tokens
                AND other_output = output_tokens
                AND other_failed = failed
                AND (startsWith(model, other_model) OR startsWith(other_model, model))
                AND (
                    (
                        other_started >= started_at AND other_ended <= ended_at
                        -- Of two that began and ended together, one.
                        AND (other_id != '' OR (other_lasted, other_span) < (lasted, span_id))
                    )
                    OR (other_id != '' AND other_started <= started_at AND other_ended >= ended_at)
                )
            )
        GROUP BY
            workspace,
            trace_id,
            span_id
    ),
    -- Equal token counts in one run make a crowd while they run at the same time. In it, calls that share no id look for
    -- those that do (where none does: for those of the teller that begins last), each teller's in order of their starts.
    crowds AS
    (
        SELECT
            *,
            sum(begins) OVER (PARTITION BY workspace, trace_id, metered, run_id, seen_input, seen_output ORDER BY position) AS crowd
        FROM
        (
            SELECT
                *,
                usage_source = 'provider' AS metered,
                max(ended_at) OVER (
                    PARTITION BY workspace, trace_id, usage_source = 'provider', run_id, seen_input, seen_output
                    ORDER BY position ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
                ) < started_at AS begins
            FROM grouped
        )
    ),
    places AS
    (
        SELECT
            *,
            if(
                is_sought,
                dense_rank() OVER (PARTITION BY workspace, trace_id, metered, run_id, seen_input, seen_output, crowd, is_sought ORDER BY earliest),
                dense_rank() OVER (
                    PARTITION BY workspace, trace_id, metered, run_id, seen_input, seen_output, crowd, is_sought, teller, position = shared_chain
                    ORDER BY position
                )
            ) AS place
        FROM
        (
            SELECT
                *,
                max(if(has_id, shared_id != '', teller = last_teller)) OVER one_call AS is_sought,
                min(position) OVER one_call AS earliest
            FROM
            (
                SELECT
                    *,
                    max(shared_id != '') OVER one_crowd AS has_id,
                    argMax(teller, position) OVER one_crowd AS last_teller
                FROM crowds
                WINDOW one_crowd AS (PARTITION BY workspace, trace_id, metered, run_id, seen_input, seen_output, crowd)
            )
            WINDOW one_call AS (
                PARTITION BY workspace, trace_id, metered, run_id, seen_input, seen_output, crowd, shared_id, shared_chain
            )
        )
    ),
    -- met = the call that a call without id turns out to be, and everything that was grouped with it.
    met AS
    (
        SELECT
            *,
            if(found = ('', 0), shared_id, found.1) AS one_id,
            if(found = ('', 0), shared_chain, found.2) AS one_chain
        FROM
        (
            SELECT
                *,
                maxIf((sought.1, sought.2), finds) OVER (PARTITION BY workspace, trace_id, shared_id, shared_chain) AS found
            FROM
            (
                SELECT
                    *,
                    metered
                    AND NOT is_sought
                    AND position = shared_chain
                    AND NOT has(sought_tellers, teller)
                    AND sought != ('', 0, '', false)
                    AND (startsWith(model, sought.3) OR startsWith(sought.3, model))
                    AND failed = sought.4
                    AND 2 * (
                        toUnixTimestamp64Nano(least(ended_at, sought_ended)) - toUnixTimestamp64Nano(greatest(started_at, sought_started))
                    ) >= least(toUnixTimestamp64Nano(ended_at) - toUnixTimestamp64Nano(started_at), toUnixTimestamp64Nano(sought_ended) - toUnixTimestamp64Nano(sought_started))
                    AS finds
                FROM
                (
                    SELECT
                        *,
                        argMinIf((shared_id, shared_chain, model, failed), position, is_sought) OVER one_place AS sought,
                        groupUniqArrayIf(teller, is_sought) OVER one_place AS sought_tellers,
                        minIf(started_at, is_sought) OVER one_place AS sought_started,
                        maxIf(ended_at, is_sought) OVER one_place AS sought_ended
                    FROM places
                    WINDOW one_place AS (PARTITION BY workspace, trace_id, metered, run_id, seen_input, seen_output, crowd, place)
                )
            )
        )
    )
SELECT
    workspace,
    trace_id,
    span_id,
    counted,
    if(summed, 'none', 'call') AS usage_quality,
    multiIf(
        counted, '',
        summed, 'aggregate',
        twin != '' AND span_id = winner.1, if(one_id = '', 'duplicate_beside', 'duplicate_response'),
        response_id != '' AND response_id = winner.2, 'duplicate_response',
        is_part OR finds, 'duplicate_beside',
        'duplicate_nested'
    ) AS excluded_reason,
    multiIf(counted OR summed, '', winner.3 != '', winner.3, twin != '', twin, winner.1) AS duplicate_of,
    if(counted, retries.1, []) AS retry_reasons,
    if(counted, retries.2, []) AS retry_wait_seconds,
    if(counted, marks.1, '') AS retry_of,
    if(counted, marks.2, '') AS rework_of,
    if(counted, marks.3, '') AS rework_reason,
    {version:UInt64}
FROM
(
    SELECT
        *,
        span_id = winner.1 AND winner.3 = '' AND twin = '' AND NOT summed AS counted
    FROM
    (
        SELECT
            *,
            argMin(
                (span_id, response_id, told_before),
                (
                    transform(toString(usage_source), ['provider', 'estimated', 'none'], [0, 1, 2], 3),
                    dialect != 'spanledger',
                    -toInt64(buckets),
                    duration_ns,
                    span_id
                )
            ) OVER one_call AS winner,
            max(is_sum) OVER one_call AS summed,
            minIf(
                (apart_lasted, told_apart), told_apart != '' AND response_id != '' AND first_told.1 = ''
            ) OVER one_call AS apart,
            minIf(
                (toUnixTimestamp64Nano(ended_at) - toUnixTimestamp64Nano(started_at), span_id), parent_span_id = '' AND response_id != ''
            ) OVER one_call AS here,
            multiIf(one_id = '', max(told_apart) OVER one_call, apart < here, apart.2, '') AS twin,
            argMax((retry_reasons, retry_wait_seconds), (length(retry_reasons), span_id)) OVER one_call AS retries,
            argMax((retry_of, rework_of, toString(rework_reason)), (retry_of != '' OR rework_of != '', span_id)) OVER one_call AS marks
        FROM met
        LEFT ANY JOIN twins AS t USING (workspace, trace_id, span_id)
        WINDOW one_call AS (PARTITION BY workspace, trace_id, one_id, one_chain)
    )
)
UNION ALL
SELECT
    workspace,
    trace_id,
    span_id,
    multiIf(role = 'ignore', false, role = 'engine', enclosing_call = '' AND NOT is_told, NOT usage_below AND NOT is_idle) AS counted,
    multiIf(NOT counted, 'none', role = 'engine', 'call', 'aggregate_only') AS usage_quality,
    multiIf(counted, '', role = 'engine', 'engine', role = 'ignore', 'not_billable', 'aggregate') AS excluded_reason,
    '' AS duplicate_of,
    [] AS retry_reasons,
    [] AS retry_wait_seconds,
    '' AS retry_of,
    '' AS rework_of,
    '' AS rework_reason,
    {version:UInt64}
FROM
(
    SELECT
        workspace,
        trace_id,
        span_id,
        role,
        role = 'engine' AND (workspace, trace_id, input_uncached_tokens + cache_read_tokens + cache_write_5m_tokens, output_tokens) IN (
            SELECT
                workspace,
                trace_id,
                input_uncached_tokens + cache_read_tokens + cache_write_5m_tokens,
                output_tokens
            FROM settling_spans
            WHERE version = {version:UInt64} AND role = 'call'
        ) AS is_told,
        usage_source = 'missing' AND (workspace, trace_id) IN (
            SELECT workspace, trace_id FROM settling_spans WHERE version = {version:UInt64} AND role = 'call'
        ) AS is_idle
    FROM settling_spans
    WHERE version = {version:UInt64}
        AND role != 'call'
        AND (usage_source IN ('provider', 'estimated') OR (usage_source = 'missing' AND role NOT IN ('engine', 'ignore')))
) AS s
INNER JOIN
(
    SELECT
        workspace,
        trace_id,
        span_id,
        usage_below,
        enclosing_call
    FROM span_runs
    WHERE (workspace, trace_id) IN (SELECT workspace, trace_id FROM settling WHERE version = {version:UInt64}) AND version = {version:UInt64}
) AS o USING (workspace, trace_id, span_id)
