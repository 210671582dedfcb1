-- spending: what model calls cost an agent, a tenant or everybody: what a budget of several processes asks.
-- parameters: workspace; per ('agent', 'tenant'; empty = everybody), key (its name); since, until (start of the call, until exclusive).
-- grain: one row, also where there was no call. units: USD.
-- columns: spent_usd (0 where nothing is known), calls (counted attempts), unknown_calls (those whose cost is not known: in no sum).
SELECT
    ifNull(sum(cost_usd), 0) AS spent_usd,
    count() AS calls,
    countIf(price_status IN ('unpriced', 'partial', 'unmetered')) AS unknown_calls
FROM attempts FINAL
WHERE workspace = {workspace:String}
    AND counted
    AND operation NOT IN ('execute_tool', 'effort', 'expense')
    AND started_at >= {since:DateTime64(9)}
    AND started_at < {until:DateTime64(9)}
    AND ({per:String} = '' OR multiIf({per:String} = 'agent', agent_name, {per:String} = 'tenant', tenant, NULL) = {key:String});
