-- frontier: CTEs: from runs with their options (option_runs) and the ends of their traces (trace_ends) to what each option of an agent costs
--   beside the latency that it buys. Costs are of the costed runs, value and margin of those told; where any has a value, those without one earned 0. What is efficient, and
--   what a second or more GPUs cost, is said of inclusive costs: the latency of a run is also that of what it hands on to sub-agents.
points AS
(
    SELECT
        r.workspace AS workspace,
        r.agent_name AS agent_name,
        r.model AS model,
        r.gpu_count AS gpu_count,
        count() AS runs,
        uniqExact(cityHash64(r.trace_id)) AS traces,
        sum(r.succeeded) AS successful_runs,
        toDecimal256(sum(ifNull(r.inclusive_total_cost_usd, 0)), 24) AS known_usd,
        quantileExact(0.5)(r.duration_ns) AS p50_duration_ns,
        quantileExact(0.95)(r.duration_ns) AS p95_duration_ns,
        @include arithmetic/option_costs of=,
        @include arithmetic/option_costs of=inclusive_,
        @include arithmetic/run_ends,
        @include arithmetic/success_gap,
        arrayMap(
            i -> arraySort(groupArray(r.duration_ns))[1 + intDiv(i * (runs - 1), greatest(least(runs, 1001) - 1, 1))],
            range(least(runs, 1001))
        ) AS duration_grid_ns
    FROM option_runs AS r
    LEFT ANY JOIN trace_ends AS w ON w.workspace = r.workspace AND w.trace_id = r.trace_id
    GROUP BY
        workspace,
        agent_name,
        model,
        gpu_count
),
-- Between what a success costs: by the ends of what is estimated, at worst (least_usd, most_usd). Of runs whose cost is not wholly known what
--   is known is the least, of all runs: there is no most. sure_usd: the cost itself, where there are none such.
bounded AS
(
    SELECT
        *,
        if(inclusive_costed_runs < runs, NULL, inclusive_cost_per_success_usd) AS sure_usd,
        toDecimal128(
            roundBankers((known_usd - toDecimal256(inclusive_cheaper_usd, 24)) / nullIf(successful_runs, 0), 12), 12
        ) AS least_usd,
        if(
            inclusive_costed_runs < runs,
            NULL,
            toDecimal128(
                roundBankers((known_usd + toDecimal256(inclusive_dearer_usd, 24)) / nullIf(successful_runs, 0), 12), 12
            )
        ) AS most_usd
    FROM points
),
-- Efficient: no option of the agent is as fast and cheaper a success, or as cheap and faster: of two that are equal both are. Where the ends
--   leave it open which is cheaper it is unknown. An option of unknown cost may be told to be beaten, as it costs more yet, and never to beat
--   another. What a success of one costs that never succeeded nobody knows: it is beaten by any as fast that did, else it is unknown.
judged AS
(
    SELECT
        *,
        min(most_usd) OVER as_fast AS cheapest_as_fast_usd,
        min(least_usd) OVER as_fast AS perhaps_as_fast_usd,
        min(most_usd) OVER faster AS cheapest_faster_usd,
        min(least_usd) OVER faster AS perhaps_faster_usd,
        min(least_usd) OVER alike AS perhaps_alike_usd,
        row_number() OVER (
            PARTITION BY workspace, agent_name
            ORDER BY p50_duration_ns, least_usd NULLS LAST, model, gpu_count
        ) AS place,
        multiIf(
            least_usd IS NULL, if(perhaps_as_fast_usd IS NULL, NULL, toNullable(toUInt8(0))),
            ifNull(least_usd > cheapest_as_fast_usd, 0) OR ifNull(least_usd >= cheapest_faster_usd, 0), toNullable(toUInt8(0)),
            most_usd IS NULL OR ifNull(perhaps_as_fast_usd < most_usd, 0) OR ifNull(perhaps_faster_usd <= most_usd, 0)
            OR ifNull(perhaps_alike_usd < most_usd, 0), NULL,
            toNullable(toUInt8(1))
        ) AS is_efficient
    FROM bounded
    WINDOW
        as_fast AS (
            PARTITION BY workspace, agent_name
            ORDER BY p50_duration_ns, least_usd NULLS LAST, model, gpu_count
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ),
        faster AS (
            PARTITION BY workspace, agent_name
            ORDER BY p50_duration_ns
            RANGE BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ),
        -- Those exactly as fast that come later, as they may cost more.
        alike AS (
            PARTITION BY workspace, agent_name, p50_duration_ns
            ORDER BY least_usd NULLS LAST, model, gpu_count
            ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING
        )
),
frontier AS
(
    SELECT
        *,
        argMin((toNullable(p50_duration_ns), if(is_efficient IS NULL, NULL, sure_usd)), (p50_duration_ns, place)) OVER slower AS next_slower,
        nullIf(next_slower.1, 0) AS slower_p50_ns,
        next_slower.2 AS slower_cost_usd,
        lagInFrame(toNullable(gpu_count)) OVER fewer AS fewer_gpus,
        lagInFrame(toNullable(p50_duration_ns)) OVER fewer AS fewer_p50_ns,
        lagInFrame(sure_usd) OVER fewer AS fewer_cost_usd,
        CAST(
            if(ifNull(is_efficient, 0), (sure_usd - slower_cost_usd) / ((slower_p50_ns - p50_duration_ns) / 1e9), NULL)
            AS Nullable(Decimal(38, 12))
        ) AS usd_per_second,
        if(gpu_count > 0 AND fewer_gpus > 0, fewer_p50_ns / nullIf(p50_duration_ns, 0), NULL) AS speedup_over_fewer,
        if(gpu_count > 0 AND fewer_gpus > 0, sure_usd - fewer_cost_usd, NULL) AS usd_over_fewer
    FROM judged
    WINDOW
        slower AS (
            PARTITION BY workspace, agent_name, ifNull(is_efficient, 1)
            ORDER BY p50_duration_ns
            RANGE BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING
        ),
        fewer AS (
            PARTITION BY workspace, agent_name, model
            ORDER BY gpu_count
            ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
        )
)
