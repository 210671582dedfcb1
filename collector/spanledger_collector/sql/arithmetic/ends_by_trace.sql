-- ends_by_trace: CTE trace_ends: how far what traces cost is an estimate: usage that was estimated (ends of runs) and shares of assets whose
--   plan says between what its expected units lie (charge_intervals). Traces without such ends are left out: nothing of them is estimated.
-- Reads asked_usage (workspace, trace_id, cost_usd, cost_low_usd, cost_high_usd of runs) and asked_charges (amortization_charges FINAL): all
--   there is, or what a question is about.
-- grain: one row a workspace and trace_id. units: USD (floats), shares of a charge.
-- columns: usage_cheaper, usage_dearer (the cost by the low and high ends is less or more by so much), shares_cheaper, shares_dearer (of
--   the shares of assets likewise), most_cheaper, most_dearer (of one charge, as a share of it: at most).
trace_ends AS
(
    SELECT
        workspace,
        trace_id,
        sum(usage_low) AS usage_cheaper,
        sum(usage_high) AS usage_dearer,
        sum(shares_low) AS shares_cheaper,
        sum(shares_high) AS shares_dearer,
        max(most_low) AS most_cheaper,
        max(most_high) AS most_dearer
    FROM
    (
        SELECT
            u.workspace AS workspace,
            u.trace_id AS trace_id,
            toFloat64(ifNull(u.cost_usd - u.cost_low_usd, 0)) AS usage_low,
            toFloat64(ifNull(u.cost_high_usd - u.cost_usd, 0)) AS usage_high,
            0. AS shares_low,
            0. AS shares_high,
            0. AS most_low,
            0. AS most_high
        FROM asked_usage AS u
        WHERE u.cost_low_usd < u.cost_usd OR u.cost_high_usd > u.cost_usd
        UNION ALL
        SELECT
            g.workspace AS workspace,
            g.trace_id AS trace_id,
            0. AS usage_low,
            0. AS usage_high,
            toFloat64(g.amount_usd) * most_low AS shares_low,
            toFloat64(g.amount_usd) * most_high AS shares_high,
            -- An end that the plan does not say is none.
            greatest(1. - toFloat64(ifNull(i.low_factor, 1)), 0.) AS most_low,
            greatest(toFloat64(ifNull(i.high_factor, 1)) - 1., 0.) AS most_high
        FROM asked_charges AS g
        INNER JOIN
        (
            SELECT
                workspace,
                asset_id,
                plan_id,
                basis_id,
                low_factor,
                high_factor
            FROM charge_intervals
            WHERE low_factor < 1 OR high_factor > 1
        ) AS i ON i.workspace = g.workspace AND i.asset_id = g.asset_id AND i.plan_id = g.plan_id AND i.basis_id = g.basis_id
        WHERE g.amount_usd > 0
    )
    GROUP BY
        workspace,
        trace_id
)
