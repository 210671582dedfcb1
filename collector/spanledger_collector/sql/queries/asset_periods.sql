-- asset_periods: when assets were charged by which plan, and when there was nothing to charge: the time that a use a day is of.
-- parameters: workspace; asset_id (empty = of all).
-- grain: one row a period, in order of time. units: instants in UTC.
-- columns: asset_id, what (in_force: from the arrival of a plan to that of the next, or to the end of its days | at_rest: from the first to
--   the last run that found nothing to charge), unit, agent_name, agent_version (of the plan: whose runs; empty = all; of a rest empty),
--   begins_at, ends_at (2200-01-01 = it goes on).
SELECT
    asset_id,
    what,
    unit,
    agent_name,
    agent_version,
    begins_at,
    ends_at
FROM
(
    SELECT
        asset_id,
        'in_force' AS what,
        toString(unit) AS unit,
        agent_name,
        agent_version,
        received_at AS begins_at,
        least(
            leadInFrame(received_at, 1, toDateTime64('2200-01-01', 9, 'UTC')) OVER (
                PARTITION BY asset_id
                ORDER BY received_at, recorded_at, span_id
                ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING
            ),
            -- As amortization has it: at most 100 years.
            if(
                method = 'straight_line_per_time' AND life_days > 0,
                received_at + toIntervalMillisecond(toInt64(least(assumeNotNull(life_days), 36500) * 86400000)),
                toDateTime64('2200-01-01', 9, 'UTC')
            )
        ) AS ends_at
    FROM
    (
        SELECT asset_id, entry_id, unit, agent_name, agent_version, method, life_days, received_at, recorded_at, span_id
        FROM asset_entries FINAL
        WHERE workspace = {workspace:String}
            AND entry = 'plan'
            AND ({asset_id:String} = '' OR asset_id = {asset_id:String})
        ORDER BY received_at, recorded_at, span_id
        LIMIT 1 BY asset_id, entry_id
    )
    UNION ALL
    SELECT
        asset_id,
        'at_rest' AS what,
        '' AS unit,
        '' AS agent_name,
        '' AS agent_version,
        min(entered_from) AS begins_at,
        max(entered_to) AS ends_at
    FROM asset_rests
    WHERE workspace = {workspace:String}
        AND ({asset_id:String} = '' OR asset_id = {asset_id:String})
    GROUP BY
        asset_id,
        basis_id,
        charged_usd
)
ORDER BY
    begins_at,
    asset_id,
    what;
