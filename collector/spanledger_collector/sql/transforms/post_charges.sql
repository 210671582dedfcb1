-- post_charges: charges the runs of the given traces with their share of the assets that serve them.
-- grain: one row a (run, asset) with units not settled yet, into asset_postings, which keeps charges (amortization_charges) and when
--   there was nothing to charge (asset_rests). Reads span_runs and attempts of the
--   same settlement, and the amortization view. parameters: version = the settlement.
-- A run carries an asset when it is an agent's execution in the scope of the plan that was in force when it entered the books, that is
--   when its own span arrived. So arrivals alone say which runs are charged, not when they are settled, and a run that was there before
--   the first plan never is. Nor is one that entered after the days of that plan were over (straight line per time): what no run carried
--   by then stays uncharged. The newest entry sets the rate. Units: 1 an execution; its tokens or FLOPs; 1 where its newest recorded
--   outcome is success (nobody's word is no success: a charge is never taken back). A run is charged by the unit of the plan that was
--   in force when it came: where the newest plan has another, it is not.
-- A run that is due when nothing can be charged is not charged by what is booked later either: it entered (its success was told)
--   while the asset was at rest. A rest counts where what was charged by then is there: a kill may leave the rest of a settlement
--   without its charges.
-- Where all that is left to come waits for the rate of a currency, nothing is posted: these runs are due when there is one (post_waits).
-- The charge of a run is the growth of what is due in all by the books as they are (basis_id): min(units by them x rate, what there was to
--   charge), rounded. So the charges sum to it exactly when its units have come, however small one is, never exceed it, and which
--   run came first only matters for the one that uses up the rest. A charge of less than half of the last decimal is a row of 0 with
--   a rate; a row of 0 for which nothing was left has none.
INSERT INTO asset_postings
    (workspace, trace_id, run_id, asset_id, units_before, agent_name, agent_version, tenant, kind, plan_id, basis_id, units,
    rate_usd, amount_usd, posted_at, version, entered_at, charged_usd, found_nothing)
WITH
    executed AS
    (
        SELECT
            o.workspace AS workspace,
            o.trace_id AS trace_id,
            o.run_id AS run_id,
            any(o.agent_name) AS agent_name,
            any(o.agent_version) AS agent_version,
            argMin(o.tenant, (NOT o.is_run_root, o.tenant = '', o.span_id)) AS tenant,
            minIf(s.received_at, o.is_run_root) AS entered_at
        FROM
        (
            SELECT workspace, trace_id, span_id, run_id, run_kind, is_run_root, agent_name, agent_version, tenant
            FROM span_runs
            WHERE (workspace, trace_id) IN (SELECT workspace, trace_id FROM settling WHERE version = {version:UInt64})
                AND version = {version:UInt64} AND run_kind = 'agent'
        ) AS o
        INNER JOIN
        (
            SELECT workspace, trace_id, span_id, received_at
            FROM settling_spans
            WHERE version = {version:UInt64}
        ) AS s USING (workspace, trace_id, span_id)
        GROUP BY workspace, trace_id, run_id
        HAVING countIf(o.is_run_root) > 0
    ),
    used AS
    (
        SELECT
            workspace,
            trace_id,
            run_id,
            sum(input_uncached_tokens + cache_read_tokens + cache_write_5m_tokens + cache_write_1h_tokens + output_tokens) AS tokens,
            sum(toDecimal128(flops_total, 0)) AS flops
        FROM attempts
        WHERE (workspace, trace_id) IN (SELECT workspace, trace_id FROM settling WHERE version = {version:UInt64})
            AND version = {version:UInt64} AND counted
        GROUP BY workspace, trace_id, run_id
    ),
    -- Whose newest outcome is success, and since when the ledger knows of one: that it is told again makes it no later.
    won AS
    (
        SELECT workspace, trace_id, run_id, assumeNotNull(first_at) AS told_at
        FROM
        (
            SELECT
                workspace,
                trace_id,
                run_id,
                argMax(verdict, (occurred_at, recorded_at, record_id)) AS newest,
                min(first_success_at) AS first_at
            FROM run_records
            WHERE (workspace, trace_id) IN (SELECT workspace, trace_id FROM settling WHERE version = {version:UInt64})
                AND version = {version:UInt64} AND kind = 'outcome' AND NOT is_moved
            GROUP BY workspace, trace_id, run_id
        )
        WHERE newest = 'success'
    ),
    charged AS
    (
        SELECT workspace, trace_id, run_id, asset_id, sum(units) AS units
        FROM amortization_charges FINAL
        WHERE (workspace, trace_id) IN (SELECT workspace, trace_id FROM settling WHERE version = {version:UInt64})
        GROUP BY workspace, trace_id, run_id, asset_id
    ),
    planned AS
    (
        SELECT
            workspace,
            asset_id,
            arraySort(
                p -> (p.received_at, p.recorded_at, p.span_id),
                groupArray((received_at, recorded_at, span_id, entry_id, unit, agent_name, agent_version, ends_at))::Array(Tuple(
                    received_at DateTime64(9, 'UTC'), recorded_at DateTime64(9, 'UTC'), span_id String, plan_id String, unit String, agent_name String, agent_version String,
                    ends_at DateTime64(9, 'UTC')
                ))
            ) AS plans
        FROM
        (
            SELECT
                workspace,
                asset_id,
                received_at,
                recorded_at,
                span_id,
                entry_id,
                unit,
                agent_name,
                agent_version,
                -- As amortization has it: at most 100 years.
                if(
                    method = 'straight_line_per_time' AND life_days > 0,
                    received_at + toIntervalMillisecond(toInt64(least(assumeNotNull(life_days), 36500) * 86400000)),
                    toDateTime64('2200-01-01', 9, 'UTC')
                ) AS ends_at
            FROM asset_entries FINAL
            WHERE entry = 'plan' AND workspace IN (SELECT workspace FROM settling WHERE version = {version:UInt64})
            ORDER BY received_at, recorded_at, span_id
            LIMIT 1 BY workspace, asset_id, entry_id
        )
        GROUP BY workspace, asset_id
    ),
    rests AS
    (
        SELECT workspace, asset_id, groupArray((entered_from, entered_to, charged_usd)) AS periods
        FROM
        (
            SELECT workspace, asset_id, charged_usd, min(entered_from) AS entered_from, max(entered_to) AS entered_to
            FROM asset_rests
            WHERE workspace IN (SELECT workspace FROM settling WHERE version = {version:UInt64})
            GROUP BY workspace, asset_id, basis_id, charged_usd
        )
        GROUP BY workspace, asset_id
    ),
    due AS
    (
        SELECT
            e.workspace AS workspace,
            e.trace_id AS trace_id,
            e.run_id AS run_id,
            e.agent_name AS agent_name,
            e.agent_version AS agent_version,
            e.tenant AS tenant,
            if(a.unit = 'success', greatest(e.entered_at, w.told_at), e.entered_at) AS came_at,
            a.asset_id AS asset_id,
            a.kind AS kind,
            a.plan_id AS plan_id,
            a.basis_id AS basis_id,
            a.rate_usd AS rate_usd,
            a.chargeable_usd AS chargeable_usd,
            a.charged_usd AS charged_usd,
            a.estimate_usd AS estimate_usd,
            a.estimate_units AS estimate_units,
            a.estimate_charged_usd AS estimate_charged_usd,
            a.estimate_charged_units AS estimate_charged_units,
            c.units AS units_before,
            multiIf(
                a.unit = 'token', toDecimal128(u.tokens, 6),
                a.unit = 'flop', toDecimal128(u.flops, 6),
                a.unit = 'success', toDecimal128(w.run_id != '', 6),
                toDecimal128(1, 6)
            ) - c.units AS units,
            -- None: a plan without an id, and so no scope that fits.
            arrayLast(p -> p.received_at <= e.entered_at, n.plans) AS in_force
        FROM executed AS e
        INNER JOIN
        (
            SELECT
                workspace,
                asset_id,
                kind,
                unit,
                plan_id,
                basis_id,
                rate_usd,
                chargeable_usd,
                charged_usd,
                estimate_usd,
                estimate_units,
                estimate_charged_usd,
                estimate_charged_units
            FROM amortization
            WHERE estimates > 0 AND state != 'waiting_for_rate'
                AND workspace IN (SELECT workspace FROM settling WHERE version = {version:UInt64})
        ) AS a ON a.workspace = e.workspace
        INNER JOIN planned AS n ON n.workspace = a.workspace AND n.asset_id = a.asset_id
        LEFT JOIN rests AS q ON q.workspace = a.workspace AND q.asset_id = a.asset_id
        LEFT JOIN used AS u ON u.workspace = e.workspace AND u.trace_id = e.trace_id AND u.run_id = e.run_id
        LEFT JOIN won AS w ON w.workspace = e.workspace AND w.trace_id = e.trace_id AND w.run_id = e.run_id
        LEFT JOIN charged AS c
            ON c.workspace = e.workspace AND c.trace_id = e.trace_id AND c.run_id = e.run_id AND c.asset_id = a.asset_id
        WHERE in_force.plan_id != '' AND e.entered_at < in_force.ends_at AND in_force.agent_name IN ('', e.agent_name) AND in_force.agent_version IN ('', e.agent_version)
            AND in_force.unit = a.unit
            AND (c.units > 0 OR NOT arrayExists(r -> came_at BETWEEN r.1 AND r.2 AND r.3 <= a.charged_usd, q.periods))
    ),
    running AS
    (
        SELECT
            *,
            sum(units) OVER posted AS units_to,
            units_to - units AS units_from
        FROM due
        WHERE units > 0
        WINDOW posted AS (
            PARTITION BY workspace, asset_id
            ORDER BY came_at, trace_id, run_id
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        )
    )
SELECT
    workspace,
    trace_id,
    run_id,
    asset_id,
    units_before,
    agent_name,
    agent_version,
    tenant,
    kind,
    plan_id,
    basis_id,
    units,
    if(found_nothing, toDecimal256(0, 40), rate_usd),
    if(found_nothing, toDecimal128(0, 12), to_usd - from_usd) AS amount_usd,
    now64(9, 'UTC'),
    {version:UInt64},
    came_at,
    if(rate_usd = 0, charged_usd, charged_usd + chargeable_usd),
    (rate_usd = 0 OR from_usd >= chargeable_usd) AS found_nothing
FROM
(
    SELECT
        *,
        toDecimal128(greatest(least(due_to_usd - estimate_charged_usd, chargeable_usd), toDecimal128(0, 12)), 12) AS to_usd,
        if(
            units_from = 0,
            toDecimal128(0, 12),
            toDecimal128(greatest(least(due_from_usd - estimate_charged_usd, chargeable_usd), toDecimal128(0, 12)), 12)
        ) AS from_usd
    FROM
    (
        SELECT
            *,
            -- Cut off at all units: no product outgrows its type, and the last one is exact.
            least(estimate_charged_units + units_to, estimate_units) AS all_to,
            least(estimate_charged_units + units_from, estimate_units) AS all_from,
            if(
                all_to = estimate_units, toDecimal256(estimate_usd, 12), toDecimal256(roundBankers(toDecimal256(all_to, 6) * rate_usd, 12), 12)
            ) AS due_to_usd,
            if(
                all_from = estimate_units, toDecimal256(estimate_usd, 12), toDecimal256(roundBankers(toDecimal256(all_from, 6) * rate_usd, 12), 12)
            ) AS due_from_usd
        FROM running
    )
)
