-- amortization: every asset with its capital, what of it was charged, what is left, and at which rate it goes on.
-- grain: one row an asset (workspace, asset_id). units: USD, 12 decimals; rates 40; units of the plan.
-- columns:
--   kind                 what it was for, as its newest cost says; without costs as the newest transfer to it says, else that of its giver
--   capital_usd          costs booked (other currencies at the rate of their day) and what was transferred to it, less what was
--                        transferred away, credited or written off of it; never less than charged_usd
--   charged_usd          sum of its charges
--   charged_units        units they were for
--   written_off_usd      what was written off of it
--   refused_usd          what write-offs, transfers and credits asked beyond what was left: in no sum (the rest of an entry that overtook
--                        the cost that it is about is granted when that arrives)
--   salvage_usd          what is left at the end of its life: never charged; less than 0 counts as 0
--   net_book_value_usd   capital_usd - charged_usd
--   chargeable_usd       what can still be charged: capital - salvage - charged, less what no run carried of days before (per time: of
--                        those before the newest entry)
--   rate_usd             what the next unit carries: (capital - salvage - charged before basis_id) / units expected then; per time the
--                        planned rate: (capital - salvage - accrued when the newest entry came) / (days left then x units a day),
--                        if it is of a run that entered the books before ends_at
--   rate_low_usd         the same by the high end of the expected units; NULL = the plan does not say it
--   rate_high_usd        the same by their low end; where more units came than that, by those that came
--   estimate_usd, estimate_units   what the newest entry left to charge, and over how many units: rate_usd is their quotient
--   estimate_charged_usd, estimate_charged_units   of them, what was charged since
--   remaining_units      expected units of the plan that did not come yet; break-even of the plan at 0; per time of those of the days
--                        that were left when the newest entry came
--   ends_at              straight line per time: end of the plan's days, counted from its arrival (at most 100 years); runs that enter
--                        the books from then on are not charged; NULL = the plan has no days
--   remaining_low_units, remaining_high_units   the same by the low and the high end of the expected units; NULL = the plan does not say them
--   accrued_usd          straight line per time: what the days so far cost. From entry to entry each day costs (capital - salvage -
--                        accrued) / days left, by the capital and the plan of its time, so no entry rewrites what was before; plans
--                        that are not per time cost what they charged
--   unabsorbed_usd       accrued - charged: what no run carried because fewer (negative: more) came than were planned
--   basis_id             the books by which the next unit is charged: how many entries and grants there are, kind and name of the newest
--                        entry
--   estimates            plans there were so far, the first included
--   booked_at            arrival of the first entry
--   charged_from         arrival of the first plan: runs in scope whose own span arrived since then are charged; NULL = there is none
--   state                active | waiting_for_rate (nothing to charge but costs in a currency without a rate: runs that come meanwhile are
--                        charged when there is one) | fully_amortized | ended (its days are over, or were when the newest plan came: what is left
--                        is what no run carried) | needs_plan (capital without a plan, or the planned units are used up)
--   unconverted_entries  costs in another currency without a rate: in no sum until there is one
--   unconverted_currencies  their currencies
-- Prospective re-estimation (IAS 8.36: a change in an estimate acts forward only; IAS 16.51, 16.62): what is spread is the carrying
-- amount. By units that is capital less charges. Per time it is capital less what the days cost, used or not (IAS 16.55): what no run
-- carried was a cost of its days (IAS 2.13), and is none of later runs.
CREATE OR REPLACE VIEW amortization AS
WITH
    @include arithmetic/asset_entries
    -- What each entry took or brought, as granted: a transfer takes from one asset and brings to the other.
    moved AS
    (
        SELECT
            workspace,
            asset_id,
            entry,
            entry_id,
            -sum(amount_usd) AS usd,
            sumIf(amount_usd, NOT is_rest) AS as_asked_usd,
            count() AS grants
        FROM asset_takings FINAL
        GROUP BY workspace, asset_id, entry, entry_id
        UNION ALL
        SELECT workspace, to_asset_id, 'received', entry_id, sum(amount_usd), toDecimal128(0, 12), count()
        FROM asset_takings FINAL
        WHERE entry = 'transfer'
        GROUP BY workspace, to_asset_id, entry_id
    ),
    -- Kinds that heirs have of their givers, through any number of transfers: as told by the newest, else the giver's, in the order in
    -- which they happened (as post_takings moves the capital).
    heirs AS
    (
        SELECT
            workspace,
            heir.1 AS asset_id,
            heir.2 AS kind
        FROM
        (
            SELECT
                workspace,
                arrayFold(
                    (kinds, move) -> mapUpdate(
                        kinds, map(move.to_asset_id, multiIf(move.kind != '', move.kind, move.giver_kind != '', move.giver_kind, kinds[move.asset_id]))
                    ),
                    arraySort(m -> (m.occurred_at, m.span_id), arrayFlatten(groupArray(moves))),
                    CAST(map() AS Map(String, String))
                ) AS kinds
            FROM
            (
                SELECT
                    workspace,
                    asset_id,
                    toString(argMaxIf(kind, (received_at, recorded_at, span_id), entry = 'cost' AND kind != '')) AS giver_kind,
                    arrayMap(
                        m -> (m.1, m.2, asset_id, giver_kind, m.3, m.4),
                        groupArrayIf((occurred_at, span_id, to_asset_id, toString(kind)), entry = 'transfer')
                    )::Array(Tuple(
                        occurred_at DateTime64(9, 'UTC'), span_id String, asset_id String, giver_kind String, to_asset_id String, kind String
                    )) AS moves
                FROM
                (
                    SELECT workspace, asset_id, entry, entry_id, kind, to_asset_id, occurred_at, received_at, recorded_at, span_id
                    FROM asset_entries FINAL
                    WHERE entry IN ('cost', 'transfer')
                    ORDER BY received_at, recorded_at, span_id
                    LIMIT 1 BY workspace, asset_id, entry, entry_id
                )
                GROUP BY workspace, asset_id
                HAVING notEmpty(moves)
            )
            GROUP BY workspace
        )
        ARRAY JOIN CAST(kinds AS Array(Tuple(String, String))) AS heir
    ),
    books AS
    (
        SELECT
            workspace,
            asset_id,
            argMaxIf(kind, (received_at, recorded_at, span_id), entry = 'cost' AND kind != '') AS cost_kind,
            sum(moved.usd) + cost_usd AS capital_usd,
            sum(moved.as_asked_usd) AS taken_as_asked_usd,
            -sumIf(moved.usd, entry = 'write_off') AS written_off_usd,
            arraySort(
                s -> (s.at, s.recorded_at, s.span_id, s.usd),
                groupArray((
                    received_at, recorded_at, span_id, toDecimal128(moved.usd + if(entry = 'cost' AND ifNull(amount, 0) > 0, ifNull(amount, 0), 0), 12),
                    if(entry = 'plan', entry_id, ''),
                    if(entry = 'plan' AND method = 'straight_line_per_time', least(toFloat64(ifNull(life_days, 0)), 36500), 0),
                    if(entry = 'plan', greatest(ifNull(salvage, 0), 0), 0)
                ))::Array(Tuple(
                    at DateTime64(9, 'UTC'), recorded_at DateTime64(9, 'UTC'), span_id String, usd Decimal(38, 12), plan_id String, life_days Float64, salvage_usd Decimal(38, 12)
                ))
            ) AS steps,
            sumIf(ifNull(amount, 0), entry = 'cost' AND ifNull(amount, 0) > 0) AS cost_usd,
            countIf(entry = 'cost' AND amount IS NULL AND told_amount IS NOT NULL) AS unconverted_entries,
            arraySort(groupUniqArrayIf(told_currency, entry = 'cost' AND amount IS NULL AND told_amount IS NOT NULL)) AS unconverted_currencies,
            countIf(entry = 'cost' AND amount IS NULL AND told_amount > 0) AS waiting_costs,
            sumIf(
                abs(ifNull(amount, 0)),
                (entry IN ('write_off', 'transfer') AND ifNull(amount, 0) > 0) OR (entry = 'cost' AND ifNull(amount, 0) < 0)
            ) AS asked_usd,
            -- Capital may grow while the newest entry stays: by a grant, by an entry that was on its way longer, by a rate that came late.
            -- So all are counted that are in it. A d: books with days, whose charges before the d went by another rule.
            argMax(concat(entry, ' ', entry_id), (received_at, recorded_at, span_id)) AS newest,
            concat(
                toString(countIf(amount IS NOT NULL OR told_amount IS NULL) + sum(moved.grants)),
                if(countIf(entry = 'plan' AND method = 'straight_line_per_time') > 0, 'd ', ' '),
                newest
            ) AS basis_id,
            argMaxIf(
                (entry_id, method, unit, expected_units, expected_units_low, expected_units_high, life_days, salvage, agent_name,
                agent_version, received_at),
                (received_at, recorded_at, span_id),
                entry = 'plan'
            ) AS plan,
            countIf(entry = 'plan') AS plans,
            minOrNullIf(received_at, entry = 'plan') AS charged_from,
            min(received_at) AS booked_at
        FROM entries
        LEFT ANY JOIN moved USING (workspace, asset_id, entry, entry_id)
        GROUP BY workspace, asset_id
    ),
    balances AS
    (
        SELECT
            workspace,
            asset_id,
            sum(amount_usd) AS charged_usd,
            sum(units) AS charged_units,
            groupArray((plan_id, basis_id, units, amount_usd)) AS parts
        FROM
        (
            SELECT workspace, asset_id, plan_id, basis_id, sum(units) AS units, sum(amount_usd) AS amount_usd
            FROM asset_balances
            GROUP BY workspace, asset_id, plan_id, basis_id
        )
        GROUP BY workspace, asset_id
    ),
    -- All sums in one place, for the columns below.
    stated AS
    (
        SELECT
            b.workspace AS workspace,
            b.asset_id AS asset_id,
            if(b.cost_kind = '', h.kind, b.cost_kind) AS kind,
            b.plan AS plan,
            b.plans AS plans,
            b.basis_id AS basis_id,
            b.booked_at AS booked_at,
            b.charged_from AS charged_from,
            b.unconverted_entries AS unconverted_entries,
            b.unconverted_currencies AS unconverted_currencies,
            b.waiting_costs AS waiting_costs,
            toDecimal128(b.written_off_usd, 12) AS written_off_usd,
            toDecimal128(b.asked_usd - b.taken_as_asked_usd, 12) AS refused_usd,
            toDecimal128(a.charged_usd, 12) AS charged_usd,
            toDecimal128(a.charged_units, 6) AS charged_units,
            toDecimal128(b.capital_usd, 12) AS capital_usd,
            greatest(ifNull(b.plan.8, toDecimal128(0, 12)), toDecimal128(0, 12)) AS salvage_usd,
            toDecimal128(arraySum(arrayMap(p -> p.4, arrayFilter(p -> p.2 != b.basis_id, a.parts))), 12) AS charged_before_usd,
            toDecimal128(
                arraySum(arrayMap(p -> p.3, arrayFilter(p -> p.1 = b.plan.1 AND p.2 = b.basis_id, a.parts))), 6
            ) AS estimate_charged_units,
            -- Per time: of those that came since the newest entry. Charges of old have the name of an entry alone.
            toDecimal128(
                arraySum(arrayMap(
                    p -> p.3,
                    arrayFilter(
                        p -> p.1 = b.plan.1 AND p.2 != b.basis_id AND (NOT per_time OR has([b.newest, substring(b.newest, position(b.newest, ' ') + 1)], replaceRegexpOne(p.2, '^\\d+d? ', ''))), a.parts
                    )
                )), 6
            ) AS units_before,
            ifNull(b.plan.4, toDecimal128(0, 6)) AS expected_units,
            b.plan.2 = 'straight_line_per_time' AND ifNull(b.plan.7, 0) > 0 AS per_time,
            if(per_time, toInt64(least(assumeNotNull(b.plan.7), 36500) * 86400000), 1) AS life_ms,
            if(per_time, toNullable(b.plan.11 + toIntervalMillisecond(life_ms)), NULL) AS ends_at,
            -- Per time: of the plan's days those that were to come when the newest entry came.
            if(per_time, greatest(life_ms - dateDiff('millisecond', b.plan.11, arrayElement(b.steps.at, -1)), 0), 1) AS left_ms,
            toDecimal128(roundBankers(toDecimal256(expected_units, 18) * left_ms / life_ms, 6), 6) AS units_then,
            CAST(roundBankers(toDecimal256(b.plan.5, 18) * left_ms / life_ms, 6) AS Nullable(Decimal(38, 6))) AS low_then,
            CAST(roundBankers(toDecimal256(b.plan.6, 18) * left_ms / life_ms, 6) AS Nullable(Decimal(38, 6))) AS high_then,
            units_then - units_before AS estimate_units,
            -- Per time: what the days to come cost, for the units that are left of theirs. Else what no run carried of days before is
            -- no cost of later runs either.
            toDecimal128(
                multiIf(
                    NOT per_time, capital_usd - salvage_usd - charged_before_usd - greatest(accrued_so_far_usd - charged_usd, toDecimal128(0, 12)),
                    units_before = 0, capital_usd - salvage_usd - accrued_before_usd,
                    units_then = 0, toDecimal128(0, 12),
                    toDecimal256(capital_usd - salvage_usd - accrued_before_usd, 12) * estimate_units / units_then
                ), 12
            ) AS estimate_usd,
            -- From entry to entry: its end, the capital then, the plan in force, the share of its remaining days that passed.
            arrayFill(s -> s.plan_id != '', b.steps) AS plans_then,
            arrayZip(
                arrayCumSum(s -> s.usd, b.steps)::Array(Decimal(38, 12)),
                arrayMap(
                    (s, p, until, number) -> multiIf(
                        p.life_days <= 0, 0.,
                        -- After the last day: what comes is for the days of the next plan, where there is one.
                        dateDiff('millisecond', p.at, s.at) >= p.life_days * 86400000, if(number = length(b.steps), 1., 0.),
                        least(greatest(dateDiff('millisecond', s.at, until), 0) / (p.life_days * 86400000 - dateDiff('millisecond', p.at, s.at)), 1.)
                    ),
                    b.steps,
                    plans_then,
                    arrayPushBack(arrayPopFront(b.steps.at), now64(9, 'UTC')),
                    arrayEnumerate(b.steps)
                ),
                plans_then.salvage_usd,
                arrayMap(
                    s -> toDecimal128(
                        if(s.life_days > 0, 0, arraySum(arrayMap(p -> p.4, arrayFilter(p -> p.1 = s.plan_id AND s.plan_id != '', a.parts)))), 12
                    ),
                    b.steps
                )
            )::Array(Tuple(capital Decimal(38, 12), share Float64, salvage Decimal(38, 12), charged Decimal(38, 12))) AS stretches,
            -- Until the newest entry, and until now.
            arrayFold(
                (accrued, s) -> toDecimal128(
                    accrued + s.charged + toDecimal256(greatest(s.capital - s.salvage - accrued, toDecimal128(0, 12)), 12) * toDecimal128(s.share, 18), 12
                ),
                arrayPopBack(stretches), toDecimal128(0, 12)
            ) AS accrued_before_usd,
            arrayFold(
                (accrued, s) -> toDecimal128(
                    accrued + s.charged + toDecimal256(greatest(s.capital - s.salvage - accrued, toDecimal128(0, 12)), 12) * toDecimal128(s.share, 18), 12
                ),
                arraySlice(stretches, -1), accrued_before_usd
            ) AS accrued_so_far_usd
        FROM books AS b
        LEFT JOIN balances AS a ON a.workspace = b.workspace AND a.asset_id = b.asset_id
        LEFT JOIN heirs AS h ON h.workspace = b.workspace AND h.asset_id = b.asset_id
    )
SELECT
    workspace,
    asset_id,
    kind,
    plan.2 AS method,
    plan.3 AS unit,
    plan.9 AS agent_name,
    plan.10 AS agent_version,
    capital_usd,
    charged_usd,
    written_off_usd,
    refused_usd,
    salvage_usd,
    capital_usd - charged_usd AS net_book_value_usd,
    greatest(
        least(capital_usd - salvage_usd - charged_usd, estimate_usd - estimate_charged_usd), toDecimal128(0, 12)
    ) AS chargeable_usd,
    charged_units,
    expected_units,
    greatest(estimate_units - estimate_charged_units, toDecimal128(0, 6)) AS remaining_units,
    if(low_then IS NULL, NULL, greatest(low_then - units_before - estimate_charged_units, toDecimal128(0, 6))) AS remaining_low_units,
    if(high_then IS NULL, NULL, greatest(high_then - units_before - estimate_charged_units, toDecimal128(0, 6))) AS remaining_high_units,
    plan.7 AS life_days,
    ends_at,
    if(ends_at IS NULL, NULL, accrued_so_far_usd) AS accrued_usd,
    accrued_usd - charged_usd AS unabsorbed_usd,
    if(
        estimate_units > 0 AND estimate_usd > 0, toDecimal256(estimate_usd, 40) / estimate_units, toDecimal256(0, 40)
    ) AS rate_usd,
    if(
        high_then - units_before > 0 AND estimate_usd > 0,
        least(rate_usd, toDecimal256(estimate_usd, 40) / (high_then - units_before)),
        NULL
    ) AS rate_low_usd,
    if(
        low_then > 0 AND greatest(low_then - units_before, estimate_charged_units) > 0 AND estimate_usd > 0,
        greatest(rate_usd, toDecimal256(estimate_usd, 40) / greatest(low_then - units_before, estimate_charged_units)),
        NULL
    ) AS rate_high_usd,
    estimate_usd,
    estimate_units,
    charged_usd - charged_before_usd AS estimate_charged_usd,
    estimate_charged_units,
    multiIf(
        plans > 0 AND chargeable_usd = 0, multiIf(
            waiting_costs > 0 AND remaining_units > 0, 'waiting_for_rate',
            waiting_costs > 0, 'needs_plan',
            capital_usd - salvage_usd <= charged_usd, 'fully_amortized',
            per_time AND estimate_usd > 0 AND ends_at > now64(9, 'UTC'), 'needs_plan',
            'ended'
        ),
        ends_at <= now64(9, 'UTC'), 'ended',
        plans = 0 OR rate_usd = 0, 'needs_plan',
        'active'
    ) AS state,
    plan.1 AS plan_id,
    basis_id,
    plans AS estimates,
    charged_from,
    booked_at,
    unconverted_entries,
    unconverted_currencies
FROM stated
