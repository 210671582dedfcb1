-- asset_contributions: what assets cost and what the runs that they serve earn beyond their own cost: what pays them back.
-- parameters: workspace; agent_name (empty = of all).
-- grain: one row a scope: the agent and version whose runs the assets serve (empty = all), most to recover first. units: USD.
-- A run counts if it entered the books after the first of the assets did and its cost is known wholly; where any of them has a value,
--   those without one earned 0; where none has, the contribution is unknown.
-- columns: agent_name, agent_version, asset_ids, capital_usd (paid, less what was written off or transferred and what salvage will
--   bring), charged_usd (of it, what runs carried so far), unconverted_entries (costs in a currency without a rate: not in it), runs,
--   costed_runs, valued_runs, contribution_usd (value less variable cost of those runs, summed), contribution_mean_usd,
--   contribution_variance, contribution_skewness.
WITH
    scopes AS
    (
        SELECT
            agent_name,
            agent_version,
            arraySort(groupArray(asset_id)) AS asset_ids,
            sum(a.capital_usd - a.salvage_usd) AS capital_usd,
            sum(a.charged_usd) AS charged_usd,
            sum(a.unconverted_entries) AS unconverted_entries,
            min(a.booked_at) AS booked_at
        FROM amortization AS a
        WHERE workspace = {workspace:String}
            AND ({agent_name:String} = '' OR agent_name = {agent_name:String})
        GROUP BY
            agent_name,
            agent_version
    ),
    served AS
    (
        SELECT
            s.agent_name AS agent_name,
            s.agent_version AS agent_version,
            count() AS runs,
            countIf(r.is_costed) AS costed_runs,
            countIf(r.is_costed AND r.value_usd IS NOT NULL) AS valued_runs,
            sumIf(r.contribution, r.is_costed) AS contribution_usd,
            ifNotFinite(varSampStableIf(toFloat64(r.contribution), r.is_costed), 0) AS contribution_variance,
            ifNotFinite(skewSampIf(toFloat64(r.contribution), r.is_costed), 0) AS contribution_skewness
        FROM scopes AS s
        CROSS JOIN
        (
            SELECT
                agent_name,
                agent_version,
                posted_at,
                value_usd,
                cost_usd IS NOT NULL AND unpriced_attempts = 0 AS is_costed,
                toDecimal128(ifNull(value_usd, 0) - ifNull(cost_usd, 0), 12) AS contribution
            FROM run_economics
            WHERE workspace = {workspace:String}
                AND agent_name != ''
                AND ({agent_name:String} = '' OR agent_name = {agent_name:String})
        ) AS r
        WHERE r.posted_at >= s.booked_at
            AND s.agent_name IN ('', r.agent_name)
            AND s.agent_version IN ('', r.agent_version)
        GROUP BY
            s.agent_name,
            s.agent_version
    )
SELECT
    s.agent_name AS agent_name,
    s.agent_version AS agent_version,
    s.asset_ids AS asset_ids,
    s.capital_usd AS capital_usd,
    s.charged_usd AS charged_usd,
    s.unconverted_entries AS unconverted_entries,
    r.runs AS runs,
    r.costed_runs AS costed_runs,
    r.valued_runs AS valued_runs,
    r.contribution_usd AS contribution_usd,
    if(
        costed_runs = 0,
        NULL,
        CAST(roundBankers(toDecimal256(contribution_usd, 24) / costed_runs, 12) AS Nullable(Decimal(38, 12)))
    ) AS contribution_mean_usd,
    r.contribution_variance AS contribution_variance,
    r.contribution_skewness AS contribution_skewness
FROM scopes AS s
LEFT ANY JOIN served AS r ON r.agent_name = s.agent_name AND r.agent_version = s.agent_version
ORDER BY
    capital_usd DESC,
    agent_name,
    agent_version;
