-- grouped_runs: CTE: the runs of agent_runs, each in its group (kind, group_key) and, where it is asked for, in that of all runs; with what is
--   summed of them where it is not known as 0.
-- parameters: by.
grouped_runs AS
(
    SELECT
        * EXCEPT key,
        key AS group_key,
        arrayJoin(if(endsWith({by:String}, '_and_total'), [replaceOne({by:String}, '_and_total', ''), 'total'], [{by:String}])) AS kind,
        ifNull(cost_usd, 0) AS cost,
        ifNull(total_cost_usd, 0) AS total,
        ifNull(value_usd, 0) AS earned,
        ifNull(inclusive_cost_usd, 0) AS inclusive_cost,
        ifNull(inclusive_total_cost_usd, 0) AS inclusive_total,
        ifNull(inclusive_value_usd, 0) AS inclusive_earned,
        ifNull(work_cost_usd, 0) AS work,
        ifNull(rework_cost_usd, 0) AS wasted
    FROM agent_runs
)
