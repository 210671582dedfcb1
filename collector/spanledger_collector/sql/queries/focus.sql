-- focus: what a period cost, in the columns of FOCUS 1.2 (FinOps Open Cost and Usage Specification); the rest begins with x_.
-- Sums: EffectiveCost over all rows = cost_usd of the counted attempts of the period that start in it, to the last decimal;
--   x_FullyLoadedCost adds the shares of assets of the runs that start in it.
-- What is in it: a row for each unit used (Usage), recorded credits (Credit), what rounding a call to 12 decimals adds or takes
--   (Adjustment), shares of assets (Usage at no cost, in x_ columns: FOCUS has no place for them). Unknown cost is left out.
-- parameters: workspace; since, until (until exclusive); grain (day | run | attempt: what else tells rows apart).
-- grain: (charge period: day, of attempts hour; everything but the amounts). units: USD, 24 decimals.
-- columns: those of FOCUS 1.2, and x_ ones; docs/export.md describes each.
WITH
    lines AS
    (
        SELECT
            tenant, provider, model, region, service_tier, operation, agent_name, agent_version, rework_reason, usage_source,
            trace_id, run_id, span_id, attempt_number, started_at, price_id, unit, rate_usd / rate_per AS unit_price, quantity, cost_usd
        FROM charges
        WHERE workspace = {workspace:String}
            AND started_at >= {since:DateTime64(9)}
            AND started_at < {until:DateTime64(9)}
            AND counted
            AND attempt_cost_usd IS NOT NULL
            AND cost_usd IS NOT NULL
    ),
    known AS
    (
        SELECT
            *,
            if(priced_provider != '', priced_provider, provider) AS its_provider,
            multiIf(priced_model != '', priced_model, response_model != '', response_model, request_model) AS its_model
        FROM attempts FINAL
        WHERE workspace = {workspace:String}
            AND started_at >= {since:DateTime64(9)}
            AND started_at < {until:DateTime64(9)}
            AND counted
            AND cost_usd IS NOT NULL
    ),
    parts AS
    (
        SELECT
            *,
            'used' AS part
        FROM lines
        UNION ALL
        -- The cost of each call less its lines: what rounding did. A recorded expense has no lines.
        SELECT
            tenant, its_provider, its_model, region, service_tier, operation, agent_name, agent_version, rework_reason, usage_source,
            trace_id, run_id, span_id, attempt_number, started_at,
            if(operation = 'expense', 'recorded', '') AS price_id,
            if(operation = 'expense', 'expense', '') AS unit,
            CAST(if(operation = 'expense', cost_usd, NULL) AS Nullable(Decimal(38, 24))) AS unit_price,
            toDecimal128(operation = 'expense', 6) AS quantity,
            toDecimal128(cost_usd, 24) AS cost_usd,
            multiIf(operation != 'expense', 'rounding', cost_usd < 0, 'credit', 'used') AS part
        FROM known
        UNION ALL
        SELECT
            tenant, provider, model, region, service_tier, operation, agent_name, agent_version, rework_reason, usage_source,
            trace_id, run_id, span_id, attempt_number, started_at, '' AS price_id, '' AS unit, NULL AS unit_price,
            toDecimal128(0, 6) AS quantity,
            -cost_usd AS cost_usd,
            'rounding' AS part
        FROM lines
    ),
    summed AS
    (
        SELECT
            if({grain:String} = 'attempt', toStartOfHour(started_at), toStartOfDay(started_at)) AS period_start,
            if({grain:String} = 'attempt', addHours(period_start, 1), addDays(period_start, 1)) AS period_end,
            tenant, provider, model, region, service_tier, operation, agent_name, agent_version, rework_reason, usage_source,
            if({grain:String} IN ('run', 'attempt'), trace_id, '') AS its_trace_id,
            if({grain:String} IN ('run', 'attempt'), run_id, '') AS its_run_id,
            if({grain:String} = 'attempt', span_id, '') AS its_span_id,
            if({grain:String} = 'attempt', attempt_number, 0) AS its_attempt_number,
            price_id, unit, unit_price, part,
            sum(p.quantity) AS used,
            CAST(sum(p.cost_usd) AS Decimal(38, 24)) AS cost,
            toDecimal128(0, 24) AS training,
            toDecimal128(0, 24) AS data_curation,
            toDecimal128(0, 24) AS other_assets
        FROM parts AS p
        GROUP BY ALL
        HAVING part != 'rounding' OR cost != 0
        UNION ALL
        SELECT
            toStartOfDay(r.started_at) AS period_start,
            addDays(period_start, 1) AS period_end,
            r.tenant, 'spanledger', c.asset_id, '', '', 'amortization', r.agent_name, r.agent_version, '', '',
            if({grain:String} IN ('run', 'attempt'), c.trace_id, '') AS its_trace_id,
            if({grain:String} IN ('run', 'attempt'), c.run_id, '') AS its_run_id,
            '', 0,
            c.plan_id, c.kind, toDecimal128(0, 24) AS unit_price, 'used' AS part,
            sum(c.units) AS used,
            toDecimal128(0, 24) AS cost,
            toDecimal128(sumIf(c.amount_usd, c.kind = 'training'), 24) AS training,
            toDecimal128(sumIf(c.amount_usd, c.kind = 'data_curation'), 24) AS data_curation,
            toDecimal128(sumIf(c.amount_usd, c.kind NOT IN ('training', 'data_curation')), 24) AS other_assets
        FROM
        (
            SELECT *
            FROM amortization_charges FINAL
            WHERE workspace = {workspace:String} AND amount_usd > 0
        ) AS c
        INNER JOIN
        (
            SELECT trace_id, run_id, started_at, tenant, agent_name, agent_version
            FROM runs FINAL
            WHERE workspace = {workspace:String} AND started_at >= {since:DateTime64(9)} AND started_at < {until:DateTime64(9)}
        ) AS r ON r.trace_id = c.trace_id AND r.run_id = c.run_id
        GROUP BY ALL
    )
SELECT
    CAST(NULL AS Nullable(String)) AS AvailabilityZone,
    cost AS BilledCost,
    {workspace:String} AS BillingAccountId,
    {workspace:String} AS BillingAccountName,
    'Workspace' AS BillingAccountType,
    'USD' AS BillingCurrency,
    toDateTime64(addMonths(toStartOfMonth(period_start), 1), 3, 'UTC') AS BillingPeriodEnd,
    toDateTime64(toStartOfMonth(period_start), 3, 'UTC') AS BillingPeriodStart,
    CAST(NULL AS Nullable(String)) AS CapacityReservationId,
    CAST(NULL AS Nullable(String)) AS CapacityReservationStatus,
    transform(part, ['credit', 'rounding'], ['Credit', 'Adjustment'], 'Usage') AS ChargeCategory,
    CAST(NULL AS Nullable(String)) AS ChargeClass,
    multiIf(
        part = 'rounding', concat('Rounding of calls of ', model, ' to 12 decimals'),
        operation = 'amortization', concat('Share of the asset ', model, ' (', unit, ')'),
        operation IN ('expense', 'effort', 'execute_tool', 'load_model'), concat(operation, ': ', model),
        concat(unit, ' of ', model)
    ) AS ChargeDescription,
    'Usage-Based' AS ChargeFrequency,
    toDateTime64(period_end, 3, 'UTC') AS ChargePeriodEnd,
    toDateTime64(period_start, 3, 'UTC') AS ChargePeriodStart,
    CAST(NULL AS Nullable(String)) AS CommitmentDiscountCategory,
    CAST(NULL AS Nullable(String)) AS CommitmentDiscountId,
    CAST(NULL AS Nullable(String)) AS CommitmentDiscountName,
    CAST(NULL AS Nullable(Decimal(38, 6))) AS CommitmentDiscountQuantity,
    CAST(NULL AS Nullable(String)) AS CommitmentDiscountStatus,
    CAST(NULL AS Nullable(String)) AS CommitmentDiscountType,
    CAST(NULL AS Nullable(String)) AS CommitmentDiscountUnit,
    if(part = 'used', used, NULL) AS ConsumedQuantity,
    if(part = 'used', measure, NULL) AS ConsumedUnit,
    cost AS ContractedCost,
    if(part = 'used', unit_price, NULL) AS ContractedUnitPrice,
    cost AS EffectiveCost,
    CAST(NULL AS Nullable(String)) AS InvoiceId,
    provider AS InvoiceIssuerName,
    cost AS ListCost,
    if(part = 'used', unit_price, NULL) AS ListUnitPrice,
    if(part = 'used', 'Standard', NULL) AS PricingCategory,
    'USD' AS PricingCurrency,
    if(part = 'used', unit_price, NULL) AS PricingCurrencyContractedUnitPrice,
    cost AS PricingCurrencyEffectiveCost,
    if(part = 'used', unit_price, NULL) AS PricingCurrencyListUnitPrice,
    if(part = 'used', used, NULL) AS PricingQuantity,
    if(part = 'used', measure, NULL) AS PricingUnit,
    provider AS ProviderName,
    provider AS PublisherName,
    nullIf(toString(region), '') AS RegionId,
    nullIf(toString(region), '') AS RegionName,
    CAST(NULL AS Nullable(String)) AS ResourceId,
    CAST(NULL AS Nullable(String)) AS ResourceName,
    CAST(NULL AS Nullable(String)) AS ResourceType,
    multiIf(operation IN ('expense', 'effort', 'execute_tool'), 'Other', 'AI and Machine Learning') AS ServiceCategory,
    multiIf(operation = 'expense', 'Recorded expenses', operation = 'effort', 'People', operation = 'execute_tool', 'Tools',
        operation = 'amortization', 'Assets', concat(provider, ' models')) AS ServiceName,
    multiIf(operation IN ('expense', 'effort', 'execute_tool'), 'Other (Other)', operation = 'amortization', 'Machine Learning',
        'Generative AI') AS ServiceSubcategory,
    if(part = 'used', concat(provider, '/', model, '/', unit), NULL) AS SkuId,
    if(part = 'used', toString(unit), NULL) AS SkuMeter,
    if(part = 'used' AND service_tier != '', toJSONString(map('x_ServiceTier', toString(service_tier))), NULL) AS SkuPriceDetails,
    if(part = 'used', price_id, NULL) AS SkuPriceId,
    nullIf(tenant, '') AS SubAccountId,
    nullIf(tenant, '') AS SubAccountName,
    if(tenant = '', NULL, 'Tenant') AS SubAccountType,
    toJSONString(mapFilter((name, value) -> value != '', map('agent_name', agent_name, 'agent_version', agent_version))) AS Tags,
    nullIf(agent_name, '') AS x_AgentName,
    nullIf(agent_version, '') AS x_AgentVersion,
    nullIf(its_trace_id, '') AS x_TraceId,
    nullIf(its_run_id, '') AS x_RunId,
    nullIf(its_span_id, '') AS x_SpanId,
    nullIf(its_attempt_number, 0) AS x_AttemptNumber,
    nullIf(toString(o.outcome), '') AS x_OutcomeStatus,
    nullIf(toString(operation), '') AS x_Operation,
    model AS x_Model,
    nullIf(toString(service_tier), '') AS x_ServiceTier,
    nullIf(toString(usage_source), '') AS x_UsageSource,
    if(measure = 'Tokens', used, toDecimal128(0, 6)) AS x_Tokens,
    nullIf(toString(rework_reason), '') AS x_ReworkReason,
    if(rework_reason = '', toDecimal128(0, 24), cost) AS x_ReworkCost,
    training AS x_AmortizedTrainingCost,
    data_curation AS x_AmortizedDataCost,
    other_assets AS x_AmortizedOtherCost,
    CAST(cost + training + data_curation + other_assets AS Decimal(38, 24)) AS x_FullyLoadedCost
FROM
(
    SELECT
        *,
        multiIf(
            operation = 'amortization', 'Units',
            unit IN ('input', 'output', 'cache_read', 'cache_write_5m', 'cache_write_1h', 'reasoning')
                OR endsWith(unit, '_input') OR endsWith(unit, '_output') OR endsWith(unit, '_cache_read'), 'Tokens',
            unit = 'minutes', 'Minutes',
            endsWith(unit, 'seconds'), 'Seconds',
            unit = 'calls', 'Calls',
            unit = 'requests', 'Requests',
            unit = 'characters', 'Characters',
            'Units'
        ) AS measure
    FROM summed
) AS s
LEFT ANY JOIN
(
    SELECT trace_id, run_id, outcome
    FROM runs FINAL
    WHERE workspace = {workspace:String}
        AND started_at < {until:DateTime64(9)}
        AND ended_at >= {since:DateTime64(9)}
        AND {grain:String} IN ('run', 'attempt')
) AS o ON o.trace_id = s.its_trace_id AND o.run_id = s.its_run_id
ORDER BY
    ChargePeriodStart,
    its_trace_id,
    its_run_id,
    its_span_id,
    its_attempt_number,
    tenant,
    agent_name,
    agent_version,
    ProviderName,
    x_Model,
    ChargeCategory,
    ChargeDescription,
    EffectiveCost;
