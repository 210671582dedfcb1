-- assets: what was paid once and serves many runs, as its books stand now.
-- parameters: workspace.
-- grain: one row an asset, most left first. units: USD; units of the plan.
-- columns: asset_id, kind, method, unit, agent_name, agent_version (whose runs carry it; empty = all), capital_usd, charged_usd,
--   net_book_value_usd, written_off_usd, refused_usd (asked by write-offs, transfers and credits, but not there), rate_usd (what the next unit carries), charged_units, remaining_units, unabsorbed_usd
--   (straight line per time: what no run carried), state, estimates (plans so far), unconverted_entries.
SELECT
    asset_id,
    kind,
    method,
    unit,
    agent_name,
    agent_version,
    capital_usd,
    charged_usd,
    net_book_value_usd,
    written_off_usd,
    refused_usd,
    rate_usd,
    charged_units,
    remaining_units,
    unabsorbed_usd,
    state,
    estimates,
    unconverted_entries
FROM amortization
WHERE workspace = {workspace:String}
ORDER BY
    net_book_value_usd DESC,
    asset_id;
