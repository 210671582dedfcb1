-- post_charges: charges the runs of the given traces with their share of the assets that serve them.
-- grain: one row a (run, asset) with units not charged yet, into amortization_charges. Reads span_runs and attempts of the
--   same settlement, and the amortization view. parameters: version = the settlement.
-- A run carries an asset when it is an agent's execution in the plan's scope that entered the books after the newest entry of
--   the asset did: what was there before is never charged by what is booked later (but what a charged run grows by, is).
--   Units: 1 an execution, else its tokens or FLOPs.
-- Within this settlement the charge of a run is the growth of min(units so far x rate, chargeable): so the sum is exact, never
--   above what is left, and which run came first only matters for the one that uses up the rest.
INSERT INTO amortization_charges
    (workspace, trace_id, run_id, asset_id, units_before, agent_name, agent_version, tenant, kind, plan_id, basis_id, units,
    rate_usd, amount_usd, posted_at, version)
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
            min(s.received_at) AS entered_at
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
            sum(flops_total) AS flops
        FROM attempts
        WHERE (workspace, trace_id) IN (SELECT workspace, trace_id FROM settling WHERE version = {version:UInt64})
            AND version = {version:UInt64} AND counted
        GROUP BY workspace, trace_id, run_id
    ),
    charged AS
    (
        SELECT workspace, trace_id, run_id, asset_id, sum(units) AS units
        FROM amortization_charges FINAL
        WHERE (workspace, trace_id) IN (SELECT workspace, trace_id FROM settling WHERE version = {version:UInt64})
        GROUP BY workspace, trace_id, run_id, asset_id
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
            e.entered_at AS entered_at,
            a.asset_id AS asset_id,
            a.kind AS kind,
            a.plan_id AS plan_id,
            a.basis_id AS basis_id,
            a.rate_usd AS rate_usd,
            a.chargeable_usd AS chargeable_usd,
            c.units AS units_before,
            multiIf(
                a.unit = 'token', toDecimal128(u.tokens, 6),
                a.unit = 'flop', toDecimal128(u.flops, 6),
                toDecimal128(1, 6)
            ) - c.units AS units
        FROM executed AS e
        INNER JOIN
        (
            SELECT *
            FROM amortization
            WHERE state = 'active' AND workspace IN (SELECT workspace FROM settling WHERE version = {version:UInt64})
        ) AS a ON a.workspace = e.workspace
        LEFT JOIN used AS u ON u.workspace = e.workspace AND u.trace_id = e.trace_id AND u.run_id = e.run_id
        LEFT JOIN charged AS c
            ON c.workspace = e.workspace AND c.trace_id = e.trace_id AND c.run_id = e.run_id AND c.asset_id = a.asset_id
        WHERE a.agent_name IN ('', e.agent_name) AND a.agent_version IN ('', e.agent_version) AND (e.entered_at >= a.charged_from OR c.units > 0)
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
            ORDER BY entered_at, trace_id, run_id
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
    rate_usd,
    least(toDecimal128(roundBankers(toDecimal256(units_to, 6) * rate_usd, 12), 12), chargeable_usd)
        - least(toDecimal128(roundBankers(toDecimal256(units_from, 6) * rate_usd, 12), 12), chargeable_usd) AS amount_usd,
    now64(9, 'UTC'),
    {version:UInt64}
FROM running
WHERE amount_usd > 0
