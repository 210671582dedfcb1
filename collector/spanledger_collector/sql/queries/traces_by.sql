-- traces_by: what traces cost and earned, all together or by day or tenant, with the moments that intervals are computed from (estimate/).
--   The sums are those of economics_by; a trace is what was asked for with everything that it set off, and so the unit that is drawn anew each
--   time: the runs of one trace are no draws of their own.
-- parameters: workspace; since, until (start of the run, until exclusive); agent_name, agent_version, tenant (empty = any); by (total |
--   day | tenant).
-- grain: one row a key: days in order of time, else most expensive first; none where nothing ran. A trace whose runs are of several days or
--   tenants is a trace of each, with those of its runs. units: USD, 12 decimals. Moments are floats of the same units: _variance (n - 1
--   below the line), _skewness (third standardised moment), _covariance; 0 where there is none.
-- columns: key, traces, valued_traces (with a run whose value is known), costed_traces (the cost of all of whose runs is known wholly: of
--   these the means and moments, of rework those of all), told_traces (costed, and their value has rates: of these the margins), costed_successes (of agents that no agent called, arithmetic/asked_for),
--   total_cost_mean_usd, total_cost_variance, total_cost_skewness, cost_per_success_usd, success_mean, success_variance,
--   total_cost_success_covariance, margin_mean_usd (value less total cost; nobody's word is a value of 0), margin_variance, margin_skewness,
--   credited_traces (costed ones that cost less than nothing, by credits), earning_traces (told ones that earned something and in which nothing that was asked for failed), staked_traces (told ones whose value may hang on how they go,
--   arithmetic/staked), margin_earning_covariance (with being an earning trace), success_gap_usd (by so much a trace that succeeds may at most be worth more than the least that was seen of one: where rules alone say what
--   the runs of all traces are worth, as in success_gap of arithmetic/; NULL = nobody can say, arithmetic/worth_open),
--   rework_cost_usd, work_cost_usd, rework_cost_ratio, rework_multiplier (arithmetic/rework_share), rework_cheaper_usd, rework_dearer_usd, used_cheaper_usd, used_dearer_usd (by so much rework,
--   and the work that was used, is less or more by the ends of estimated usage, arithmetic/waste_ends), rework_work_variance, work_variance,
--   rework_work_covariance, cheaper_usd, dearer_usd (by so much all traces cost less or more by the ends of what was estimated, at most),
--   uncosted_traces (their cost is not wholly known), unconverted_records (amounts in a currency without a rate).
WITH
    @include arithmetic/trace_ends
SELECT
    key,
    count() AS traces,
    countIf(t.valued) AS valued_traces,
    countIf(t.is_costed) AS costed_traces,
    countIf(t.is_told) AS told_traces,
    sumIf(t.successes, t.is_costed) AS costed_successes,
    toDecimal128(
        roundBankers(toDecimal256(sumIf(t.total, t.is_costed), 24) / nullIf(costed_traces, 0), 12), 12
    ) AS total_cost_mean_usd,
    ifNotFinite(varSampStableIf(toFloat64(t.total), t.is_costed), 0) AS total_cost_variance,
    ifNotFinite(skewSampIf(toFloat64(t.total), t.is_costed), 0) AS total_cost_skewness,
    toDecimal128(
        roundBankers(toDecimal256(sumIf(t.total, t.is_costed), 24) / nullIf(costed_successes, 0), 12), 12
    ) AS cost_per_success_usd,
    ifNotFinite(costed_successes / costed_traces, 0) AS success_mean,
    ifNotFinite(varSampStableIf(toFloat64(t.successes), t.is_costed), 0) AS success_variance,
    ifNotFinite(covarSampStableIf(toFloat64(t.total), toFloat64(t.successes), t.is_costed), 0) AS total_cost_success_covariance,
    toDecimal128(
        roundBankers(toDecimal256(sumIf(t.earned - t.total, t.is_told), 24) / nullIf(told_traces, 0), 12), 12
    ) AS margin_mean_usd,
    ifNotFinite(varSampStableIf(toFloat64(t.earned - t.total), t.is_told), 0) AS margin_variance,
    ifNotFinite(skewSampIf(toFloat64(t.earned - t.total), t.is_told), 0) AS margin_skewness,
    countIf(t.is_costed AND t.total < 0) AS credited_traces,
    countIf(t.is_told AND t.earns) AS earning_traces,
    countIf(t.is_told AND t.staked) AS staked_traces,
    ifNotFinite(covarSampStableIf(toFloat64(t.earned - t.total), toFloat64(t.earns), t.is_told), 0) AS margin_earning_covariance,
    if(
        countIf(t.is_open) > 0, NULL, CAST(max(t.most) - min(t.earned) AS Nullable(Decimal(38, 12)))
    ) AS success_gap_usd,
    sum(t.wasted) AS rework_cost_usd,
    sum(t.work) AS work_cost_usd,
    @include arithmetic/rework_share of=work_cost_usd,
    sum(t.rework_cheaper_usd) AS rework_cheaper_usd,
    sum(t.rework_dearer_usd) AS rework_dearer_usd,
    sum(t.used_cheaper_usd) AS used_cheaper_usd,
    sum(t.used_dearer_usd) AS used_dearer_usd,
    ifNotFinite(varSampStable(toFloat64(t.wasted)), 0) AS rework_work_variance,
    ifNotFinite(varSampStable(toFloat64(t.work)), 0) AS work_variance,
    ifNotFinite(covarSampStable(toFloat64(t.wasted), toFloat64(t.work)), 0) AS rework_work_covariance,
    toDecimal128(sum(w.usage_cheaper + w.shares_cheaper), 12) AS cheaper_usd,
    toDecimal128(sum(w.usage_dearer + w.shares_dearer), 12) AS dearer_usd,
    countIf(NOT t.is_costed) AS uncosted_traces,
    sum(t.unconverted) AS unconverted_records
FROM
(
    SELECT
        multiIf(
            {by:String} = 'day', toString(toDate(r.started_at, 'UTC')),
            {by:String} = 'tenant', r.tenant,
            'total'
        ) AS key,
        r.trace_id AS trace_id,
        min(r.cost_usd IS NOT NULL AND r.unpriced_attempts = 0) AS is_costed,
        is_costed AND sum(r.unconverted_records) = 0 AS is_told,
        sum(r.unconverted_records) AS unconverted,
        max(r.value_usd IS NOT NULL) AS valued,
        countIf(
            @include arithmetic/won
            AND
            @include arithmetic/asked_for
        ) AS successes,
        sum(ifNull(r.total_cost_usd, 0)) AS total,
        sum(ifNull(r.value_usd, 0)) AS earned,
        earned > 0 AND countIf(
            NOT r.succeeded
            AND
            @include arithmetic/asked_for
        ) = 0 AS earns,
        max(
            @include arithmetic/staked
        ) AS staked,
        sum(ifNull(r.success_value_usd, 0)) AS most,
        countIf(r.success_value_usd IS NOT NULL) = 0 OR max(
            @include arithmetic/worth_open
        ) AS is_open,
        sum(ifNull(r.rework_cost_usd, 0)) AS wasted,
        sum(ifNull(r.work_cost_usd, 0)) AS work,
        @include arithmetic/waste_ends
    FROM run_economics AS r
    WHERE r.workspace = {workspace:String}
        AND r.started_at >= {since:DateTime64(9)}
        AND r.started_at < {until:DateTime64(9)}
        AND ({agent_name:String} = '' OR r.agent_name = {agent_name:String})
        AND ({agent_version:String} = '' OR r.agent_version = {agent_version:String})
        AND ({tenant:String} = '' OR r.tenant = {tenant:String})
    GROUP BY
        key,
        trace_id
) AS t
LEFT ANY JOIN trace_ends AS w ON w.trace_id = t.trace_id
GROUP BY key
ORDER BY
    if({by:String} = 'day', key, ''),
    sum(t.total) DESC,
    key;
