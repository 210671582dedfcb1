-- run_economics: every run with what it cost, what was wasted, how long it took and how much of it is known.
-- grain: one row a run (workspace, trace_id, run_id). units: USD, 12 decimals; nanoseconds (_ns); tokens. NULL money = unknown.
-- Own and inclusive: a figure without a prefix is of the run itself; inclusive_* is the same figure of the run and of all runs below it
-- in its trace (sub-agents, at any depth): what an execution costs and brings with all that it hands on. Own figures sum to the ledger
-- over all runs; inclusive ones do over top runs (is_top) alone, and count twice where a caller and its callee are both summed.
-- columns: those of the table runs, and
--   succeeded            1 = its recorded outcome is success; where none was recorded, it ended without an error and nobody judged it as a
--                        whole to be wrong or hallucinated
--   input_tokens         all input of the run itself: uncached, cache reads and cache writes
--   work_cost_usd        cost_usd without appraisal_cost_usd and prevention_cost_usd: what rework_cost_usd is a part of
--   total_cost_usd       cost_usd (model calls, tools, people, expenses; rework inside) + amortized_cost_usd: what is known of both, so
--                        that totals are the sum of their parts in any sum of runs; a lower bound with unpriced_attempts
--   rule_value_usd       by the value rules in force for the run: for each `per` the most particular rule, times 1 (run),
--                        succeeded, or what outcomes recorded of the unit (a run without it gets nothing by that rule), less with
--                        latency; each rounded half even. A rule of no agent is for runs of agents that no agent called. NULL = no rule fits, or
--                        what one that fits is worth is in a currency without a rate on that day (nothing of it is nothing in any currency)
--   success_value_usd    the most that these rules say such a run is worth: had it succeeded, at once (less with no latency). NULL = an amount was
--                        recorded of it or of a run below, no rule of `run` or `success` fits, one of a unit may, or an amount has no rate
--   value_usd            revenue + value of outcomes, as recorded; where no amount was recorded, in whatever
--                        currency, rule_value_usd; NULL = nobody said, or an amount has no rate (unconverted_records)
--   value_source         recorded | rule | empty
--   unconverted_records  amounts in a currency without a rate: recorded ones, and 1 for what value rules say where no amount was recorded
--   margin_usd           value_usd - total_cost_usd; NULL where either is unknown. With unpriced_attempts it is an upper bound
--   known_cost_ratio     counted attempts whose cost is known / counted attempts; 1 when there was none to know
--   inclusive_total_cost_usd   inclusive_cost_usd + inclusive_amortized_cost_usd
--   inclusive_value_usd  value_usd of the run + what was recorded (revenue, value of outcomes) of the runs below: in a top run each
--                        recorded amount stands once. What a rule says of a run below stays in that run's own books: the worth
--                        of what was asked for is said by the caller's rule. NULL = nobody said of any of them, or an
--                        amount has no rate (inclusive_unconverted_records)
--   inclusive_unconverted_records   unconverted_records of the run, and recorded amounts of runs below that have no rate
--   inclusive_margin_usd   inclusive_value_usd - inclusive_total_cost_usd; an upper bound with inclusive_unpriced_attempts
--   inclusive_known_cost_ratio   known_cost_ratio over the attempts of the run and of all runs below
--   posted_at            when the run entered the books: arrival of its own span, without one of the first of its spans
CREATE OR REPLACE VIEW run_economics AS
SELECT
    workspace,
    tenant,
    trace_id,
    run_id,
    parent_run_id,
    kind,
    agent_name,
    agent_id,
    agent_version,
    workflow_name,
    conversation_id,
    service_name,
    external_key,
    tags,
    started_at,
    ended_at,
    duration_ns,
    ttft_ns,
    status,
    error_type,
    succeeded,
    span_count,
    calls,
    attempts,
    failed_attempts,
    retries,
    tool_calls,
    input_uncached_tokens + cache_read_tokens + cache_write_5m_tokens + cache_write_1h_tokens AS input_tokens,
    input_uncached_tokens,
    cache_read_tokens,
    cache_write_5m_tokens,
    cache_write_1h_tokens,
    output_tokens,
    reasoning_tokens,
    cost_usd,
    rework_cost_usd,
    rework_cheaper_usd,
    rework_dearer_usd,
    used_cheaper_usd,
    used_dearer_usd,
    estimated_cost_usd,
    cost_low_usd,
    cost_high_usd,
    unpriced_attempts,
    unknown_rework_attempts,
    if(attempts = 0, 1., 1. - unpriced_attempts / attempts) AS known_cost_ratio,
    flops_total,
    vram_peak_bytes,
    gpu_seconds,
    outcome,
    revenue_usd,
    outcome_value_usd,
    outcome_units,
    judged_wrong,
    judged_wrong_whole,
    records,
    toUInt32(told_unconverted + is_rule_unconverted) AS unconverted_records,
    amortized_cost_usd,
    tool_cost_usd,
    effort_cost_usd,
    expense_cost_usd,
    appraisal_cost_usd,
    prevention_cost_usd,
    CAST(cost_usd - ifNull(appraisal_cost_usd, 0) - ifNull(prevention_cost_usd, 0) AS Nullable(Decimal(38, 12))) AS work_cost_usd,
    if(
        cost_usd IS NULL AND amortized_cost_usd IS NULL,
        NULL,
        CAST(ifNull(cost_usd, 0) + ifNull(amortized_cost_usd, 0) AS Nullable(Decimal(38, 12)))
    ) AS total_cost_usd,
    rule_value_usd,
    success_value_usd,
    multiIf(
        -- What has no rate may be a refund: the rest is no bound.
        unconverted_records > 0, NULL,
        revenue_usd IS NULL AND outcome_value_usd IS NULL, rule_value_usd,
        CAST(ifNull(revenue_usd, 0) + ifNull(outcome_value_usd, 0) AS Nullable(Decimal(38, 12)))
    ) AS value_usd,
    multiIf(
        revenue_usd IS NOT NULL OR outcome_value_usd IS NOT NULL, 'recorded',
        value_usd IS NOT NULL, 'rule',
        ''
    ) AS value_source,
    CAST(value_usd - total_cost_usd AS Nullable(Decimal(38, 12))) AS margin_usd,
    inclusive_attempts,
    inclusive_unpriced_attempts,
    inclusive_unknown_rework_attempts,
    if(inclusive_attempts = 0, 1., 1. - inclusive_unpriced_attempts / inclusive_attempts) AS inclusive_known_cost_ratio,
    inclusive_cost_usd,
    inclusive_rework_cost_usd,
    inclusive_estimated_cost_usd,
    inclusive_amortized_cost_usd,
    if(
        inclusive_cost_usd IS NULL AND inclusive_amortized_cost_usd IS NULL,
        NULL,
        CAST(ifNull(inclusive_cost_usd, 0) + ifNull(inclusive_amortized_cost_usd, 0) AS Nullable(Decimal(38, 12)))
    ) AS inclusive_total_cost_usd,
    multiIf(
        inclusive_unconverted_records > 0, NULL,
        value_below_usd IS NULL, value_usd,
        CAST(ifNull(value_usd, 0) + value_below_usd AS Nullable(Decimal(38, 12)))
    ) AS inclusive_value_usd,
    CAST(inclusive_value_usd - inclusive_total_cost_usd AS Nullable(Decimal(38, 12))) AS inclusive_margin_usd,
    toUInt32(told_inclusive_unconverted + is_rule_unconverted) AS inclusive_unconverted_records,
    callers,
    is_top,
    caller_missing,
    posted_at
FROM
(
    SELECT
        * EXCEPT (unconverted_records, inclusive_unconverted_records),
        r.unconverted_records AS told_unconverted,
        r.inclusive_unconverted_records AS told_inclusive_unconverted,
        toUInt8(if(outcome = '', status != 'error' AND NOT judged_wrong_whole, outcome = 'success')) AS succeeded,
        toDateTime64(r.started_at, 3, 'UTC') AS begun_at,
        -- Rules of its scope and time.
        arrayFilter(
            x -> x.workspace IN ('', r.workspace) AND x.agent_version IN ('', r.agent_version) AND x.tenant IN ('', r.tenant)
                AND x.valid_from <= begun_at AND x.valid_to > begun_at,
            arrayConcat(
                own.rules,
                -- A rule of no agent is about what was asked for, not about how it was divided.
                if(
                    @include arithmetic/asked_for,
                    (
                        SELECT groupArray((
                            rank, per, workspace, agent_version, tenant, valid_from, valid_to, amount, toString(currency),
                            grace_seconds, half_life_seconds, zero_after_seconds
                        ))
                        FROM (SELECT * FROM value_rules_in_force WHERE agent_name = '' ORDER BY rank DESC)
                    ),
                    []
                )
            )::Array(Tuple(
                rank UInt8, per String, workspace String, agent_version String, tenant String,
                valid_from DateTime64(3, 'UTC'), valid_to DateTime64(3, 'UTC'), amount Decimal(38, 12), currency String,
                grace_seconds Float64, half_life_seconds Float64, zero_after_seconds Float64
            ))
        ) AS scoped,
        -- The most particular one of each `per` that fits the run.
        arrayFilter(x -> x.per IN ('run', 'success') OR mapContains(r.outcome_units, x.per), scoped) AS fitting,
        arrayFilter((x, n) -> n = 1, fitting, arrayEnumerateUniq(fitting.per)) AS used_rules,
        duration_ns / 1e9 AS latency_seconds,
        arrayMap(
            x -> toDecimal256(
                multiIf(x.per = 'run', toDecimal128(1, 6), x.per = 'success', toDecimal128(succeeded, 6), outcome_units[x.per]), 6
            )
                * toDecimal128(multiIf(
                    x.zero_after_seconds > 0 AND latency_seconds >= x.zero_after_seconds, 0.,
                    x.half_life_seconds > 0, exp2(-greatest(latency_seconds - x.grace_seconds, 0.) / x.half_life_seconds),
                    1.
                ), 16),
            used_rules
        ) AS how_many,
        arrayMap(
            x -> if(
                x.currency = 'USD',
                toDecimal256(1, 12),
                nullIf(toDecimal256(arrayFirst(
                    f -> f.1 = x.currency AND f.2 <= begun_at AND f.3 > begun_at,
                    (
                        SELECT arrayReverseSort(f -> f.2, groupArray((toString(currency), valid_from, valid_to, usd)))
                        FROM fx_history
                        WHERE known_to > now64(3, 'UTC')
                    )
                ).4, 12), 0)
            ),
            used_rules
        ) AS rule_rates,
        arrayMap(
            (x, many, rate) -> accurateCastOrNull(
                roundBankers(toDecimal256(x.amount, 12) * many * if(many = 0, toDecimal256(1, 12), rate), 12), 'Decimal(38, 12)'
            ),
            used_rules,
            how_many,
            rule_rates
        ) AS worth,
        arrayMap(
            (x, rate) -> accurateCastOrNull(roundBankers(toDecimal256(x.amount, 12) * rate, 12), 'Decimal(38, 12)'),
            used_rules,
            rule_rates
        ) AS most_worth,
        -- Where nobody set a rule, the engine leaves all of this out.
        if(
            (SELECT count() FROM value_rules) = 0,
            CAST(NULL AS Nullable(Decimal(38, 12))),
            if(empty(worth) OR arrayExists(w -> w IS NULL, worth), NULL, arraySum(arrayMap(w -> ifNull(w, 0), worth)))
        ) AS rule_value_usd,
        if(
            (SELECT count() FROM value_rules) = 0,
            CAST(NULL AS Nullable(Decimal(38, 12))),
            if(
                r.revenue_usd IS NOT NULL OR r.outcome_value_usd IS NOT NULL OR r.value_below_usd IS NOT NULL
                OR told_inclusive_unconverted > 0 OR empty(most_worth) OR arrayExists(x -> x.per NOT IN ('run', 'success'), scoped) OR arrayExists(w -> w IS NULL, most_worth),
                NULL,
                arraySum(arrayMap(w -> ifNull(w, 0), most_worth))
            )
        ) AS success_value_usd,
        if(
            (SELECT count() FROM value_rules) = 0,
            toUInt8(0),
            told_unconverted = 0 AND r.revenue_usd IS NULL AND r.outcome_value_usd IS NULL AND arrayExists(w -> w IS NULL, worth)
        ) AS is_rule_unconverted
    FROM runs AS r FINAL
    LEFT ANY JOIN
    (
        SELECT
            agent_name,
            groupArray((
                rank, per, workspace, agent_version, tenant, valid_from, valid_to, amount, toString(currency),
                grace_seconds, half_life_seconds, zero_after_seconds
            )) AS rules
        FROM (SELECT * FROM value_rules_in_force WHERE agent_name != '' ORDER BY rank DESC)
        GROUP BY agent_name
    ) AS own USING (agent_name)
);
