-- run_options: CTE option_runs: runs with how each was served: columns of the view run_options, and what their ends are told by (run_ends).
-- Reads asked_runs (run_economics of agents), asked_attempts (attempts FINAL), asked_spans (workspace, trace_id, span_id, gpu_count, of
--   spans that tell one) and asked_shares (gpu_shares FINAL): all there is, or what a question is about. A run's own attempts and spans
--   have to be among them.
told_gpus AS
(
    SELECT workspace, trace_id, span_id, gpu_count, toUInt16(0) AS pool_gpus
    FROM asked_spans
    UNION ALL
    SELECT h.workspace, h.trace_id, h.span_id, toUInt16(0), toUInt16(intDiv(w.gpus, greatest(w.replicas, 1)))
    FROM asked_shares AS h
    INNER JOIN gpu_windows AS w FINAL ON w.pool = h.pool AND w.window_start = h.window_start
),
option_runs AS
(
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
        e.cost_usd IS NOT NULL AND e.unpriced_attempts = 0 AS is_costed,
        is_costed AND e.unconverted_records = 0 AS is_told,
        e.total_cost_usd AS total_cost_usd,
        e.value_usd AS value_usd,
        e.value_source AS value_source,
        e.inclusive_cost_usd IS NOT NULL AND e.inclusive_unpriced_attempts = 0 AS is_inclusive_costed,
        is_inclusive_costed AND e.inclusive_unconverted_records = 0 AS is_inclusive_told,
        e.inclusive_total_cost_usd AS inclusive_total_cost_usd,
        e.inclusive_value_usd AS inclusive_value_usd,
        e.success_value_usd AS success_value_usd,
        e.cost_usd AS cost_usd,
        e.cost_low_usd AS cost_low_usd,
        e.cost_high_usd AS cost_high_usd,
        e.attempts AS attempts,
        e.inclusive_attempts AS inclusive_attempts,
        e.inclusive_unpriced_attempts AS inclusive_unpriced_attempts,
        e.inclusive_unconverted_records AS inclusive_unconverted_records,
        e.inclusive_cost_usd AS inclusive_cost_usd,
        e.inclusive_amortized_cost_usd AS inclusive_amortized_cost_usd
    FROM asked_runs AS e
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
            FROM asked_attempts AS a
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
        FROM told_gpus AS s
        INNER JOIN
        (
            -- Where these spans belong is looked up by key: all others are many.
            SELECT workspace, trace_id, span_id, run_id
            FROM span_runs
            WHERE (workspace, trace_id, span_id) IN (SELECT workspace, trace_id, span_id FROM told_gpus)
        ) AS o ON o.workspace = s.workspace AND o.trace_id = s.trace_id AND o.span_id = s.span_id
        GROUP BY
            workspace,
            trace_id,
            run_id
    ) AS g ON g.workspace = e.workspace AND g.trace_id = e.trace_id AND g.run_id = e.run_id
)
