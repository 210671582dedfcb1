-- charges_by_day: what the ledger counts, by day, provider, model, service tier and unit: the side that is held against a bill.
-- parameters: workspace; since, until (start of the call, until exclusive; days are taken whole).
-- grain: (day, provider_seen, provider, model, service_tier, unit). units: quantities in what the unit says; USD exact with 24 decimals.
-- Counted attempts whose usage nobody told are a row of their own, with an empty unit and no quantity.
-- The interval is that of the attempts' costs, in proportion: how much less or more the estimated part may have been.
-- columns: day, provider_seen (who was called, and bills), provider (whose price it is), model, service_tier, unit, quantity,
--   priced_quantity (the part that has a rate), cost_usd (of that part), below_quantity, above_quantity, unmetered_attempts.
SELECT *
FROM
(
    SELECT
        day,
        provider_seen,
        provider,
        model,
        service_tier,
        unit,
        sum(c.quantity) AS quantity,
        sumIf(c.quantity, isNotNull(c.cost_usd)) AS priced_quantity,
        sum(c.cost_usd) AS cost_usd,
        sum(toFloat64(c.quantity) * ifNull(1 - toFloat64(attempt_cost_low_usd) / nullIf(toFloat64(attempt_cost_usd), 0), 0)) AS below_quantity,
        sum(toFloat64(c.quantity) * ifNull(toFloat64(attempt_cost_high_usd) / nullIf(toFloat64(attempt_cost_usd), 0) - 1, 0)) AS above_quantity,
        toUInt64(0) AS unmetered_attempts
    FROM charges AS c
    WHERE workspace = {workspace:String}
        AND counted
        AND day >= toDate({since:DateTime64(9)}, 'UTC')
        AND day <= toDate({until:DateTime64(9)} - INTERVAL 1 NANOSECOND, 'UTC')
    GROUP BY
        day,
        provider_seen,
        provider,
        model,
        service_tier,
        unit
    UNION ALL
    SELECT
        toDate(a.started_at, 'UTC') AS day,
        a.provider AS provider_seen,
        @include arithmetic/priced_as
        a.service_tier AS service_tier,
        '' AS unit,
        0 AS quantity,
        0 AS priced_quantity,
        NULL AS cost_usd,
        0 AS below_quantity,
        0 AS above_quantity,
        count() AS unmetered_attempts
    FROM attempts AS a FINAL
    WHERE a.workspace = {workspace:String}
        AND a.counted
        AND a.price_status = 'unmetered'
        AND toDate(a.started_at, 'UTC') >= toDate({since:DateTime64(9)}, 'UTC')
        AND toDate(a.started_at, 'UTC') <= toDate({until:DateTime64(9)} - INTERVAL 1 NANOSECOND, 'UTC')
    GROUP BY
        day,
        provider_seen,
        provider,
        model,
        service_tier
)
ORDER BY
    day,
    provider_seen,
    provider,
    model,
    service_tier,
    unit;
