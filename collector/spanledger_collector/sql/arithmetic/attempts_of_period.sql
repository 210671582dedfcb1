-- attempts_of_period: conditions: counted attempts (alias a) of a part of the ledger.
-- parameters: workspace; since, until (start of the call, until exclusive); agent_name, agent_version, tenant (empty = any).
a.workspace = {workspace:String}
AND a.started_at >= {since:DateTime64(9)}
AND a.started_at < {until:DateTime64(9)}
AND ({agent_name:String} = '' OR a.agent_name = {agent_name:String})
AND ({agent_version:String} = '' OR a.agent_version = {agent_version:String})
AND ({tenant:String} = '' OR a.tenant = {tenant:String})
AND a.counted
