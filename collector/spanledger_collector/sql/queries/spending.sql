-- spending: what an agent, a tenant or everybody cost: what a budget of several processes asks.
-- parameters: workspace; per (agent | tenant; empty = everybody), key (its name); since, until (start of the call, until exclusive).
-- grain: one row, also where nothing was spent. units: USD; all of it is counted as in the views: every attempt once, also failed ones.
-- columns: spent_usd (0 where nothing is known) = model_usd (model calls, loads) + tool_usd (tools paid by the call) + effort_usd (minutes of
--   people) + expense_usd (recorded expenses); calls (counted attempts of model calls), unknown_calls (of anything: those whose cost
--   is not known: in no sum). Not in it: what runs carry of assets.
SELECT
    ifNull(sum(cost_usd), 0) AS spent_usd,
    ifNull(sumIf(cost_usd, operation NOT IN ('execute_tool', 'effort', 'expense')), 0) AS model_usd,
    ifNull(sumIf(cost_usd, operation = 'execute_tool'), 0) AS tool_usd,
    ifNull(sumIf(cost_usd, operation = 'effort'), 0) AS effort_usd,
    ifNull(sumIf(cost_usd, operation = 'expense'), 0) AS expense_usd,
    countIf(operation NOT IN ('execute_tool', 'effort', 'expense', 'load_model')) AS calls,
    countIf(price_status IN ('unpriced', 'partial', 'unmetered')) AS unknown_calls
FROM attempts FINAL
WHERE workspace = {workspace:String}
    AND counted
    AND started_at >= {since:DateTime64(9)}
    AND started_at < {until:DateTime64(9)}
    AND ({per:String} = '' OR multiIf({per:String} = 'agent', agent_name, {per:String} = 'tenant', tenant, NULL) = {key:String});
