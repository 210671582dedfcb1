-- main_models: CTE: the main model of runs: the priced model (else the called one) that most of the run's own money went to. A run that called
--   none has no row. Read only where it is asked for (by = model).
-- parameters: workspace; since (start of the run: its calls begin after it does); agent_name (empty = any); by.
main_models AS
(
    SELECT
        trace_id,
        run_id,
        argMax(model, (usd, model)) AS main_model
    FROM
    (
        SELECT
            a.trace_id AS trace_id,
            a.run_id AS run_id,
            a.model_key AS model,
            sum(ifNull(a.cost_usd, 0)) AS usd
        FROM attempts AS a FINAL
        WHERE startsWith({by:String}, 'model')
            AND a.workspace = {workspace:String}
            AND ({agent_name:String} = '' OR a.agent_name = {agent_name:String})
            AND a.started_at >= {since:DateTime64(9)}
            AND a.counted
            AND a.operation NOT IN ('execute_tool', 'effort', 'expense', 'load_model')
        GROUP BY
            trace_id,
            run_id,
            model
    )
    GROUP BY
        trace_id,
        run_id
)
