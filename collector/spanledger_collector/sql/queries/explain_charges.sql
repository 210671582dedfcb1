-- explain_charges: the lines that the cost of every attempt of a trace, or of one span of it, is the sum of.
-- parameters: workspace; trace_id (32 hex digits, lower case); span_id (16 hex digits; empty = the whole trace).
-- grain: (span_id, attempt_number, operation, unit), units used only. units: tokens, or what the unit says; USD exact, 24 decimals.
-- columns: span_id, attempt_number, operation, unit, quantity, rate_usd (for rate_per of the unit; NULL = no rate), rate_per, cost_usd (NULL = unknown).
SELECT
    span_id,
    attempt_number,
    operation,
    unit,
    quantity,
    rate_usd,
    rate_per,
    cost_usd
FROM charges
WHERE workspace = {workspace:String}
    AND trace_id = {trace_id:String}
    AND ({span_id:String} = '' OR span_id = {span_id:String})
ORDER BY
    span_id,
    attempt_number,
    operation,
    cost_usd DESC,
    unit;
