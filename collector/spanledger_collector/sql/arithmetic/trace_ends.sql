-- trace_ends: CTEs: how far what the traces of a period cost is an estimate: trace_ends (arithmetic/ends_by_trace), and what that reads.
-- parameters: workspace; since, until (start of the runs, until exclusive: of a trace over the end of the period what began before it).
asked_usage AS
(
    SELECT workspace, trace_id, cost_usd, cost_low_usd, cost_high_usd
    FROM runs FINAL
    WHERE workspace = {workspace:String}
        AND started_at >= {since:DateTime64(9)}
        AND started_at < {until:DateTime64(9)}
),
asked_charges AS
(
    SELECT *
    FROM amortization_charges FINAL
    WHERE workspace = {workspace:String}
        AND trace_id IN (
            SELECT trace_id
            FROM runs
            WHERE workspace = {workspace:String}
                AND started_at >= {since:DateTime64(9)}
                AND started_at < {until:DateTime64(9)}
                -- Most traces carry nothing, and all of a year are a large set.
                AND inclusive_amortized_cost_usd IS NOT NULL
        )
),
@include arithmetic/ends_by_trace
