-- asset_shares: what agents carry of assets, in all and a run, with the interval that the plans' expected units leave.
-- grain: one row an (asset, agent, version) of charged runs (workspace, asset_id, agent_name, agent_version). units: USD with 12 decimals,
--   units of the plans. NULL = a plan of theirs does not say this end.
-- columns:
--   kind                 kind of the asset: training | data_curation | evaluation | provisioning | hosting
--   runs                 charged runs
--   units                units that they were charged for
--   charged_usd          what they carry
--   charged_low_usd      the same, had the high ends of the expected units come
--   charged_high_usd     the same, had the low ends come, or what came where that was more; never above what the asset had to charge
--   per_run_usd          charged_usd / runs
--   per_run_low_usd      charged_low_usd / runs
--   per_run_high_usd     charged_high_usd / runs
CREATE OR REPLACE VIEW asset_shares AS
SELECT
    workspace,
    asset_id,
    kind,
    agent_name,
    agent_version,
    runs,
    units,
    charged_usd,
    charged_low_usd,
    charged_high_usd,
    toDecimal128(toDecimal256(charged_usd, 12) / runs, 12) AS per_run_usd,
    CAST(toDecimal256(charged_low_usd, 12) / runs AS Nullable(Decimal(38, 12))) AS per_run_low_usd,
    CAST(toDecimal256(charged_high_usd, 12) / runs AS Nullable(Decimal(38, 12))) AS per_run_high_usd
FROM
(
    SELECT
        c.workspace AS workspace,
        c.asset_id AS asset_id,
        any(c.kind) AS kind,
        c.agent_name AS agent_name,
        c.agent_version AS agent_version,
        toUInt64(sum(c.runs)) AS runs,
        toDecimal128(sum(c.units), 6) AS units,
        toDecimal128(sum(c.usd), 12) AS charged_usd,
        if(
            countIf(i.low_factor IS NULL) > 0,
            NULL,
            CAST(sum(toDecimal256(c.usd, 12) * i.low_factor) AS Nullable(Decimal(38, 12)))
        ) AS charged_low_usd,
        if(
            countIf(i.high_factor IS NULL) > 0,
            NULL,
            CAST(
                least(sum(toDecimal256(c.usd, 12) * i.high_factor), toDecimal256(greatest(any(a.capital_usd - a.salvage_usd), charged_usd), 30))
                AS Nullable(Decimal(38, 12))
            )
        ) AS charged_high_usd
    FROM
    (
        SELECT
            workspace,
            asset_id,
            any(kind) AS kind,
            agent_name,
            agent_version,
            plan_id,
            basis_id,
            countIf(units_before = 0) AS runs,
            sum(g.units) AS units,
            sum(g.amount_usd) AS usd
        FROM amortization_charges AS g FINAL
        WHERE g.rate_usd > 0
        GROUP BY workspace, asset_id, agent_name, agent_version, plan_id, basis_id
    ) AS c
    LEFT JOIN charge_intervals AS i
        ON i.workspace = c.workspace AND i.asset_id = c.asset_id AND i.plan_id = c.plan_id AND i.basis_id = c.basis_id
    LEFT JOIN amortization AS a ON a.workspace = c.workspace AND a.asset_id = c.asset_id
    GROUP BY workspace, asset_id, agent_name, agent_version
)
WHERE runs > 0
