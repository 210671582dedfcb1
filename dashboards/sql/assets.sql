-- assets: what was paid once and serves many runs, as its books stand now: capital, what runs carried of it and what is left; of the chosen agents, and what serves all of them.
SELECT
    asset_id, kind, agent_name, agent_version, method, unit, capital_usd, charged_usd, net_book_value_usd, written_off_usd, rate_usd,
    charged_units, remaining_units, state
FROM amortization
WHERE workspace = decodeURLComponent('${workspace:percentencode}')
    AND (agent_name = '' OR $__conditionalAll(hex(agent_name) IN (${agent:sqlstring}), $agent))
    AND (agent_version = '' OR $__conditionalAll(hex(agent_version) IN (${version:sqlstring}), $version))
ORDER BY net_book_value_usd DESC
