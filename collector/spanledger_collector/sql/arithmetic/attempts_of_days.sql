-- attempts_of_days: conditions: counted attempts (alias a) of a part of the ledger, of whole days (UTC).
-- parameters: workspace; since, until (start of the call, until exclusive; days are taken whole); agent_name, agent_version, tenant (empty =
--   any).
a.workspace = {workspace:String}
AND toDate(a.started_at, 'UTC') >= toDate({since:DateTime64(9)}, 'UTC')
AND toDate(a.started_at, 'UTC') <= toDate({until:DateTime64(9)} - INTERVAL 1 NANOSECOND, 'UTC')
AND ({agent_name:String} = '' OR a.agent_name = {agent_name:String})
AND ({agent_version:String} = '' OR a.agent_version = {agent_version:String})
AND ({tenant:String} = '' OR a.tenant = {tenant:String})
AND a.counted
