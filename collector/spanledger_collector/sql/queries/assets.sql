-- assets: what was paid once and serves many runs, as its books stand now.
-- parameters: workspace.
-- grain: one row an asset, most left first. units: USD; units of the plan. NULL = the plan does not say it.
-- columns: asset_id, kind, method, unit, agent_name, agent_version (whose runs carry it; empty = all), capital_usd, charged_usd,
--   net_book_value_usd, written_off_usd, refused_usd (asked by write-offs, transfers and credits, but not there), salvage_usd,
--   chargeable_usd (left to charge), rate_usd (what a unit carries by the newest entry, where its state is active), rate_low_usd, rate_high_usd (by the
--   high and the low end of the expected units), charged_units, remaining_units, remaining_low_units, remaining_high_units (still to
--   come), accrued_usd, unabsorbed_usd (straight line per time: what the days so far cost; of it, what no run carried), charged_from (arrival of the first plan), ends_at (last
--   moment of the plan's days), state, estimates (plans so far), unconverted_entries, unconverted_currencies (costs without a
--   rate yet).
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
    salvage_usd,
    chargeable_usd,
    rate_usd,
    rate_low_usd,
    rate_high_usd,
    charged_units,
    remaining_units,
    remaining_low_units,
    remaining_high_units,
    accrued_usd,
    unabsorbed_usd,
    charged_from,
    ends_at,
    state,
    estimates,
    unconverted_entries,
    unconverted_currencies
FROM amortization
WHERE workspace = {workspace:String}
ORDER BY
    net_book_value_usd DESC,
    asset_id;
