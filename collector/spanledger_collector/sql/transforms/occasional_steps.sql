-- occasional_steps: which of the steps that few settlements need this one needs: planning them costs more than asking.
-- grain: one row; a column a step. parameters: version = the settlement. Before attribute_records nothing is known of the
--   traces' records, only whether their workspaces have any; where it ran, the question is put again.
SELECT
    (
        SELECT count()
        FROM
        (
            SELECT 1
            FROM records
            WHERE workspace IN (SELECT workspace FROM settling WHERE version = {version:UInt64})
            LIMIT 1
        )
    ) > 0 AS attribute_records,
    (
        SELECT count()
        FROM
        (
            SELECT 1
            FROM settling_spans
            WHERE version = {version:UInt64} AND role = 'agent' AND agent_name != ''
            GROUP BY
                workspace,
                trace_id,
                agent_name
            HAVING uniqExact(scope_name) > 1
            LIMIT 1
        )
    ) > 0 AS pair_tellers,
    (
        SELECT count()
        FROM
        (
            SELECT 1
            FROM settling_spans
            WHERE version = {version:UInt64}
            GROUP BY
                workspace,
                trace_id
            HAVING uniqExactIf(if(run_id != '', run_id, span_id), run_id != '' OR role IN ('agent', 'workflow')) > 1
            LIMIT 1
        )
    ) > 0 AS trace_callers,
    (
        SELECT count()
        FROM run_records
        WHERE (workspace, trace_id) IN (SELECT workspace, trace_id FROM settling WHERE version = {version:UInt64})
            AND version = {version:UInt64} AND kind IN ('effort', 'expense')
    ) > 0
    OR (SELECT count() FROM prices WHERE provider = 'tool') > 0
    OR (SELECT count() FROM settling_spans WHERE version = {version:UInt64} AND operation = 'load_model') > 0 AS price_services,
    (
        SELECT count()
        FROM run_records
        WHERE (workspace, trace_id) IN (SELECT workspace, trace_id FROM settling WHERE version = {version:UInt64})
            AND version = {version:UInt64} AND kind = 'evaluation' AND verdict IN ('wrong', 'hallucinated')
    ) > 0 AS judge_answers,
    (
        SELECT count()
        FROM settling_spans
        WHERE version = {version:UInt64} AND role IN ('agent', 'workflow', 'task', 'tool') AND (retry_of != '' OR rework_of != '')
    ) > 0 AS judge_repeats,
    (
        SELECT count()
        FROM asset_entries
        WHERE workspace IN (SELECT workspace FROM settling WHERE version = {version:UInt64})
            AND (entry IN ('write_off', 'transfer') OR amount < 0)
    ) > 0 AS post_takings,
    (
        SELECT count()
        FROM asset_entries
        WHERE workspace IN (SELECT workspace FROM settling WHERE version = {version:UInt64})
    ) > 0 AS post_charges,
    (
        SELECT count()
        FROM asset_entries
        WHERE workspace IN (SELECT workspace FROM settling WHERE version = {version:UInt64})
            AND entry = 'cost' AND currency != 'USD'
    ) > 0 AS post_waits
