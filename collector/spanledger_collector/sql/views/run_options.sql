-- run_options: how each run of an agent was served: the model that most of its money went to, and GPUs in parallel.
-- grain: one row a run of an agent (workspace, trace_id, run_id). units: USD, 12 decimals; nanoseconds (_ns).
-- columns:
--   model         priced model (else the called one) of the largest part of the run's own cost; empty = it called none
--   gpu_count     most GPUs in parallel that one of its own spans tells (its calls, or a server's below them), else those of the pool (gpu_windows)
--                 that served a call of it; 0 = neither tells
--   is_costed     its cost is known wholly, and what was recorded of it in other currencies
--   is_inclusive_costed   and that of all runs below it
-- the others: as in run_economics.
CREATE OR REPLACE VIEW run_options AS
SELECT
    e.workspace AS workspace,
    e.trace_id AS trace_id,
    e.run_id AS run_id,
    e.agent_name AS agent_name,
    e.agent_version AS agent_version,
    e.tenant AS tenant,
    e.started_at AS started_at,
    m.model AS model,
    g.gpu_count AS gpu_count,
    e.duration_ns AS duration_ns,
    e.succeeded AS succeeded,
    e.cost_usd IS NOT NULL AND e.unpriced_attempts = 0 AND e.unconverted_records = 0 AS is_costed,
    e.total_cost_usd AS total_cost_usd,
    e.value_usd AS value_usd,
    e.inclusive_cost_usd IS NOT NULL AND e.inclusive_unpriced_attempts = 0 AND e.inclusive_unconverted_records = 0 AS is_inclusive_costed,
    e.inclusive_total_cost_usd AS inclusive_total_cost_usd,
    e.inclusive_value_usd AS inclusive_value_usd
FROM run_economics AS e
LEFT ANY JOIN
(
    SELECT
        workspace,
        trace_id,
        run_id,
        argMax(model, (usd, tokens, model)) AS model
    FROM
    (
        SELECT
            a.workspace AS workspace,
            a.trace_id AS trace_id,
            a.run_id AS run_id,
            a.model_key AS model,
            sum(ifNull(a.cost_usd, 0)) AS usd,
            sum(a.input_uncached_tokens + a.cache_read_tokens + a.output_tokens) AS tokens
        FROM attempts AS a FINAL
        WHERE a.counted AND a.operation NOT IN ('execute_tool', 'effort', 'expense', 'load_model')
        GROUP BY
            workspace,
            trace_id,
            run_id,
            model
    )
    GROUP BY
        workspace,
        trace_id,
        run_id
) AS m ON m.workspace = e.workspace AND m.trace_id = e.trace_id AND m.run_id = e.run_id
LEFT ANY JOIN
(
    SELECT
        s.workspace AS workspace,
        s.trace_id AS trace_id,
        o.run_id AS run_id,
        if(max(s.gpu_count) > 0, max(s.gpu_count), max(s.pool_gpus)) AS gpu_count
    FROM
    (
        SELECT workspace, trace_id, span_id, gpu_count, toUInt16(0) AS pool_gpus
        FROM spans
        WHERE gpu_count > 0
        UNION ALL
        SELECT h.workspace, h.trace_id, h.span_id, toUInt16(0), w.gpus
        FROM gpu_shares AS h FINAL
        INNER JOIN gpu_windows AS w FINAL ON w.pool = h.pool AND w.window_start = h.window_start
    ) AS s
    INNER JOIN span_runs AS o ON o.workspace = s.workspace AND o.trace_id = s.trace_id AND o.span_id = s.span_id
    GROUP BY
        workspace,
        trace_id,
        run_id
) AS g ON g.workspace = e.workspace AND g.trace_id = e.trace_id AND g.run_id = e.run_id
WHERE e.agent_name != '';
