-- asset_contributions: what assets cost and what the runs that they serve earn beyond their own cost: what pays them back.
-- parameters: workspace; agent_name (empty = of all).
-- grain: one row a scope, most to recover first: the agent and version whose runs the assets serve (empty = all), is_planned = 1; assets
--   without a plan serve runs that nobody named: they stand apart (is_planned = 0), with no run. units: USD.
-- A run of a scope is one of its agent (and version) that no other run of the scope called, with all runs below it: its contribution is
--   value less variable cost of them all. A run counts if it entered the books after the first of the assets did, in means if
--   what it and those below cost and earned is known wholly. Runs that call each other in a circle (bad data) are one. Where any of them has a value, those without one earned 0; where none has, the contribution is unknown.
-- No cent counts twice: what a run itself earns (value less its own variable cost) is divided among all scopes that it, or a run above it,
--   is of, in proportion to their capital (evenly, where none has any), rounded so that the parts sum to it. A run that nobody said a value
--   of costs those that its nearest caller with a value is divided among: what a helper costs is not its own asset's where it earns for who
--   asked. Where none above it has one, those of the outermost caller that have a value of other runs, else any that reach it and have one:
--   so over all scopes whose contribution is known it is what the runs that they reach earned less what these cost.
--   What a value rule says of a run that an agent called counts for scopes that name its own agent alone, as in inclusive_value_usd.
--   Assets of one scope stand together.
-- columns: agent_name, agent_version, is_planned, asset_ids, capital_usd (paid, less what was written off or transferred and what salvage
--   will bring; of no asset less than 0), charged_usd (of it, what runs carried so far), unconverted_entries (costs in a currency without a rate: not in it), booked_at (when the first of the assets entered the books: since then runs count), runs,
--   costed_runs, valued_runs (of the scope or below), contribution_usd (the scope's part of it, summed; at most so much with uncosted_runs), contribution_mean_usd (a costed run),
--   costed_traces (traces of the costed runs), contribution_trace_mean_usd (this and what follows: by trace), contribution_variance,
--   contribution_skewness, runs_variance, contribution_runs_covariance, left_out_runs (those that are not costed),
--   uncosted_runs (of them, runs whose cost is not wholly known), unconverted_records (amounts in a currency without a rate: in no sum),
--   earning_traces (costed ones with a run that succeeded and earned something), staked_traces (costed ones whose value may hang on how they go,
--   arithmetic/staked), value_trace_mean_usd, contribution_earning_covariance (with being an earning trace),
--   earning_runs (costed runs that earned something; where it was earned below them, as many as earned it there), earning_value_usd (what they did),
--   earning_cost_usd (what they cost with all runs below; where it was earned below them, their share of the cost of the trace by count),
--   cheaper_usd, dearer_usd (by so much the variable cost in contribution_usd is less or more by the ends of estimated usage).
WITH
    scopes AS
    (
        SELECT
            agent_name,
            agent_version,
            estimates > 0 AS is_planned,
            arraySort(groupArray(asset_id)) AS asset_ids,
            sum(greatest(a.capital_usd - a.salvage_usd, toDecimal128(0, 12))) AS capital_usd,
            sum(a.charged_usd) AS charged_usd,
            sum(a.unconverted_entries) AS unconverted_entries,
            min(a.booked_at) AS booked_at
        FROM amortization AS a
        WHERE workspace = {workspace:String}
        GROUP BY
            agent_name,
            agent_version,
            is_planned
    ),
    -- The agents and callers of runs that have a value: which scopes one reaches. Where a scope is alone nothing is divided.
    valued AS
    (
        SELECT
            arrayPushBack(callers, (agent_name, agent_version)::Tuple(agent_name String, agent_version String)) AS agents,
            max(posted_at) AS last_posted_at
        FROM run_economics
        WHERE workspace = {workspace:String}
            AND value_usd IS NOT NULL
            AND (SELECT count() FROM scopes WHERE is_planned) > 1
        GROUP BY agents
    ),
    -- What each run earned itself, the scopes that reach it, and what its trace tells of those above it.
    found AS
    (
        SELECT
            trace_id,
            (agent_name, agent_version)::Tuple(agent_name String, agent_version String) AS agent,
            callers,
            is_top,
            value_usd IS NOT NULL AS is_valued,
            r.succeeded AND ifNull(value_usd, 0) > 0 AS is_earning,
            @include arithmetic/staked
            AS is_staked,
            cost_usd IS NOT NULL AND unpriced_attempts = 0 AND unconverted_records = 0 AS is_costed,
            cost_usd IS NULL OR unpriced_attempts > 0 AS is_uncosted,
            unconverted_records,
            toDecimal256(if(value_source = 'rule', ifNull(value_usd, 0), 0), 12) AS ruled,
            toDecimal256(ifNull(value_usd, 0) - ifNull(cost_usd, 0), 12) - ruled AS contribution,
            toFloat64(ifNull(cost_usd, 0)) AS cost,
            toFloat64(ifNull(inclusive_cost_usd, 0)) AS inclusive_cost,
            toFloat64(ifNull(cost_usd - cost_low_usd, 0)) AS cheaper,
            toFloat64(ifNull(cost_high_usd - cost_usd, 0)) AS dearer,
            arrayFilter(
                s -> s.booked_at <= posted_at AND arrayExists(
                    a -> a.agent_name != '' AND s.agent_name IN ('', a.agent_name) AND s.agent_version IN ('', a.agent_version),
                    arrayPushBack(callers, agent)
                ),
                (
                    SELECT groupArray((agent_name, agent_version, booked_at, greatest(capital_usd, 0), place, is_valued))
                    FROM
                    (
                        SELECT
                            agent_name,
                            agent_version,
                            booked_at,
                            capital_usd,
                            row_number() OVER (ORDER BY agent_name, agent_version) AS place,
                            arrayExists(
                                v -> v.2 >= booked_at AND arrayExists(
                                    a -> a.1 != '' AND agent_name IN ('', a.1) AND agent_version IN ('', a.2), v.1
                                ),
                                (SELECT groupArray((agents, last_posted_at)) FROM valued)
                            ) AS is_valued
                        FROM scopes
                        WHERE is_planned
                        ORDER BY place
                    )
                )::Array(Tuple(agent_name String, agent_version String, booked_at DateTime64(9, 'UTC'), capital Decimal(38, 12), place UInt64, is_valued UInt8))
            ) AS serving,
            -- Of more agents in one trace than this nobody made a trace that is any.
            groupUniqArrayIf(1000)((agent, serving.place), value_usd IS NOT NULL AND notEmpty(serving)) OVER (PARTITION BY trace_id) AS valued_beside,
            groupUniqArrayIf(1000)(agent, is_top OR empty(callers)) OVER (PARTITION BY trace_id) AS tops
        FROM run_economics AS r
        -- Of agents that plans name only the traces that one of them is in; without a plan for whom it is asked no run is read.
        WHERE workspace = {workspace:String}
            AND trace_id IN (
                SELECT trace_id
                FROM runs
                WHERE workspace = {workspace:String}
                    AND arrayExists(
                        name -> name IN ('', agent_name) OR arrayExists(a -> a.agent_name = name, callers),
                        (
                            SELECT groupUniqArray(agent_name)
                            FROM scopes
                            WHERE is_planned AND ({agent_name:String} = '' OR agent_name = {agent_name:String})
                        )
                    )
            )
    ),
    -- How what it earned is divided among them.
    reached AS
    (
        SELECT
            * EXCEPT (valued_beside, tops),
            arrayFlatten(arrayMap(v -> v.2, arrayFilter(v -> has(callers, v.1), valued_beside))) AS caller_places,
            -- What has no value of its own goes where its caller's is divided, else to what is asked of the outermost one.
            arrayMap(
                s -> multiIf(
                    is_valued OR unconverted_records > 0 OR has(caller_places, s.place), 3,
                    NOT s.is_valued, 0,
                    empty(callers) OR arrayExists(
                        t -> has(callers, t) AND s.agent_name IN ('', t.agent_name) AND s.agent_version IN ('', t.agent_version), tops
                    ), 2,
                    1
                ),
                serving
            ) AS nearness,
            arrayMap(n -> n = arrayMax(nearness), nearness) AS are_paid,
            arrayMap((s, paid) -> if(paid, toDecimal256(s.capital, 12), toDecimal256(0, 12)), serving, are_paid) AS capitals,
            if(arraySum(capitals) = 0, arrayMap(paid -> toDecimal256(paid, 12), are_paid), capitals) AS weights,
            -- What a rule says of a run that an agent called is in that agent's own books alone.
            arrayMap((s, w) -> if(is_top OR empty(callers) OR s.agent_name = agent.agent_name, w, toDecimal256(0, 12)), serving, weights) AS own_weights,
            arrayCumSum(own_weights) AS own_up_to,
            arrayMap(
                (up_to, own) -> roundBankers(contribution * up_to / arraySum(weights), 12)
                    + roundBankers(ruled * own / if(own_up_to[-1] = 0, toDecimal256(1, 12), own_up_to[-1]), 12),
                arrayCumSum(weights),
                own_up_to
            ) AS parts_up_to
        FROM found
        WHERE notEmpty(serving)
    ),
    -- By scope and trace: its part of what was earned, and runs of the scope that no other of it called.
    traces AS
    (
        SELECT
            scope.agent_name AS agent_name,
            scope.agent_version AS agent_version,
            trace_id,
            countIf(
                (
                    r.agent.agent_name != ''
                    AND scope.agent_name IN ('', r.agent.agent_name)
                    AND scope.agent_version IN ('', r.agent.agent_version)
                    AND (r.is_top OR NOT arrayExists(
                        a -> scope.agent_name IN ('', a.agent_name) AND scope.agent_version IN ('', a.agent_version), r.callers
                    ))
                ) AS is_own
            ) AS own_runs,
            greatest(own_runs, 1) AS runs,
            countIf(is_own AND r.is_earning) AS own_earning,
            if(own_earning > 0, own_earning, least(runs, countIf(r.is_earning))) AS earning_runs,
            sumIf(toFloat64(part) + r.cost * weight, r.is_earning) AS earned,
            countIf(r.is_valued) AS valued_runs,
            min(r.is_costed) AS is_costed,
            max(r.is_uncosted) AS is_uncosted,
            sum(r.unconverted_records) AS unconverted,
            toDecimal128(sum(part), 12) AS contribution,
            max(r.is_earning) AS is_earning,
            -- Runs that nobody said a value of hang on nothing, beside one that has one.
            max(r.is_valued AND r.is_staked) OR NOT max(r.is_valued) AS is_staked,
            sum(r.cost * weight) AS cost,
            multiIf(
                own_earning = 0, cost * earning_runs / runs,
                own_earning = own_runs, cost,
                sumIf(r.inclusive_cost * weight, is_own AND r.is_earning)
            ) AS earning_cost,
            toFloat64(contribution) + cost AS worth,
            sum(r.cheaper * weight) AS cheaper,
            sum(r.dearer * weight) AS dearer
        FROM reached AS r
        ARRAY JOIN
            serving AS scope,
            arrayPopFront(arrayDifference(arrayPushFront(parts_up_to, toDecimal256(0, 24)))) AS part,
            arrayMap(w -> toFloat64(w) / toFloat64(arraySum(weights)), weights) AS weight
        GROUP BY
            agent_name,
            agent_version,
            trace_id
    ),
    served AS
    (
        SELECT
            agent_name,
            agent_version,
            sum(t.runs) AS runs,
            sumIf(t.runs, t.is_costed) AS costed_runs,
            sum(t.valued_runs) AS valued_runs,
            sum(t.contribution) AS contribution_usd,
            sumIf(t.contribution, t.is_costed) AS costed_contribution_usd,
            sumIf(t.runs, NOT t.is_costed) AS left_out_runs,
            sumIf(t.runs, t.is_uncosted) AS uncosted_runs,
            sum(t.unconverted) AS unconverted_records,
            countIf(t.is_costed) AS costed_traces,
            ifNotFinite(avgIf(toFloat64(t.contribution), t.is_costed), 0) AS contribution_trace_mean_usd,
            ifNotFinite(varSampStableIf(toFloat64(t.contribution), t.is_costed), 0) AS contribution_variance,
            ifNotFinite(skewSampIf(toFloat64(t.contribution), t.is_costed), 0) AS contribution_skewness,
            ifNotFinite(varSampStableIf(toFloat64(t.runs), t.is_costed), 0) AS runs_variance,
            ifNotFinite(covarSampStableIf(toFloat64(t.contribution), toFloat64(t.runs), t.is_costed), 0) AS contribution_runs_covariance,
            countIf(t.is_costed AND t.is_earning) AS earning_traces,
            sumIf(t.earning_runs, t.is_costed) AS earning_runs,
            sumIf(t.earned, t.is_costed) AS earning_value_usd,
            sumIf(t.earning_cost, t.is_costed) AS earning_cost_usd,
            countIf(t.is_costed AND t.is_staked) AS staked_traces,
            ifNotFinite(avgIf(t.worth, t.is_costed), 0) AS value_trace_mean_usd,
            ifNotFinite(
                covarSampStableIf(toFloat64(t.contribution), toFloat64(t.is_earning), t.is_costed), 0
            ) AS contribution_earning_covariance,
            toDecimal128(sum(t.cheaper), 12) AS cheaper_usd,
            toDecimal128(sum(t.dearer), 12) AS dearer_usd
        FROM traces AS t
        GROUP BY
            agent_name,
            agent_version
    )
SELECT
    s.agent_name AS agent_name,
    s.agent_version AS agent_version,
    s.is_planned AS is_planned,
    s.asset_ids AS asset_ids,
    s.capital_usd AS capital_usd,
    s.charged_usd AS charged_usd,
    s.unconverted_entries AS unconverted_entries,
    s.booked_at AS booked_at,
    if(is_planned, r.runs, 0) AS runs,
    if(is_planned, r.costed_runs, 0) AS costed_runs,
    if(is_planned, r.valued_runs, 0) AS valued_runs,
    if(is_planned, r.contribution_usd, NULL) AS contribution_usd,
    if(
        costed_runs = 0,
        NULL,
        CAST(roundBankers(toDecimal256(r.costed_contribution_usd, 24) / costed_runs, 12) AS Nullable(Decimal(38, 12)))
    ) AS contribution_mean_usd,
    r.costed_traces AS costed_traces,
    r.contribution_trace_mean_usd AS contribution_trace_mean_usd,
    r.contribution_variance AS contribution_variance,
    r.contribution_skewness AS contribution_skewness,
    r.runs_variance AS runs_variance,
    r.contribution_runs_covariance AS contribution_runs_covariance,
    if(is_planned, r.left_out_runs, 0) AS left_out_runs,
    if(is_planned, r.uncosted_runs, 0) AS uncosted_runs,
    if(is_planned, r.unconverted_records, 0) AS unconverted_records,
    r.earning_traces AS earning_traces,
    r.staked_traces AS staked_traces,
    r.value_trace_mean_usd AS value_trace_mean_usd,
    r.contribution_earning_covariance AS contribution_earning_covariance,
    r.earning_runs AS earning_runs,
    r.earning_value_usd AS earning_value_usd,
    r.earning_cost_usd AS earning_cost_usd,
    r.cheaper_usd AS cheaper_usd,
    r.dearer_usd AS dearer_usd
FROM scopes AS s
LEFT ANY JOIN served AS r ON r.agent_name = s.agent_name AND r.agent_version = s.agent_version
WHERE {agent_name:String} = '' OR s.agent_name = {agent_name:String}
ORDER BY
    capital_usd DESC,
    agent_name,
    agent_version,
    is_planned;
