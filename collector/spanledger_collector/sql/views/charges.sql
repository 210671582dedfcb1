-- charges: every priced line of the ledger: what one attempt used of one unit, at which rate.
-- The exact sum of an attempt's lines, rounded once (half even) to 12 decimals, is its cost_usd in `attempts`.
-- grain: (workspace, trace_id, span_id, attempt_number, unit), units used only; attempts that are not counted included.
-- units: quantity in tokens or requests (see unit); USD with 24 decimals, exact.
-- columns: those of the attempt, and
--   day             UTC day of the start of the call
--   model           as priced; as answered, else as asked for, where the book does not know it
--   unit            input (uncached) | audio_input | cache_read | cache_write_5m | cache_write_1h | output | audio_output |
--                   web_search: the units of `prices`, disjoint
--   rate_usd        USD a unit; NULL = no rate
--   cost_usd        quantity x rate_usd; NULL = unknown
--   attempt_cost_usd, attempt_cost_low_usd, attempt_cost_high_usd  of the whole attempt, 12 decimals
CREATE OR REPLACE VIEW charges AS
SELECT
    a.workspace AS workspace,
    a.tenant AS tenant,
    a.trace_id AS trace_id,
    a.span_id AS span_id,
    a.attempt_number AS attempt_number,
    a.run_id AS run_id,
    a.agent_name AS agent_name,
    toDate(a.started_at, 'UTC') AS day,
    a.started_at AS started_at,
    if(a.priced_provider != '', a.priced_provider, a.provider) AS provider,
    multiIf(a.priced_model != '', a.priced_model, a.response_model != '', a.response_model, a.request_model) AS model,
    a.service_tier AS service_tier,
    a.counted AS counted,
    a.usage_source AS usage_source,
    a.price_status AS price_status,
    a.price_id AS price_id,
    line.1 AS unit,
    line.2 AS quantity,
    line.3 AS rate_usd,
    accurateCastOrNull(toDecimal256(quantity, 0) * rate_usd, 'Decimal(38, 24)') AS cost_usd,
    a.cost_usd AS attempt_cost_usd,
    a.cost_low_usd AS attempt_cost_low_usd,
    a.cost_high_usd AS attempt_cost_high_usd
FROM
(
    SELECT *
    FROM attempts FINAL
) AS a
LEFT ANY JOIN
(
    SELECT *
    FROM prices
    WHERE currency = 'USD'
) AS p ON p.price_id = a.price_id
ARRAY JOIN
    arrayFilter(
        one -> one.2 > 0,
        [
            ('input', a.input_uncached_tokens - a.audio_input_tokens, p.input_usd_per_token),
            ('audio_input', a.audio_input_tokens, p.audio_input_usd_per_token),
            ('cache_read', a.cache_read_tokens, p.cache_read_usd_per_token),
            ('cache_write_5m', a.cache_write_5m_tokens, p.cache_write_5m_usd_per_token),
            ('cache_write_1h', a.cache_write_1h_tokens, p.cache_write_1h_usd_per_token),
            ('output', a.output_tokens - a.audio_output_tokens, p.output_usd_per_token),
            ('audio_output', a.audio_output_tokens, p.audio_output_usd_per_token),
            ('web_search', a.web_search_requests, p.web_search_usd_per_request)
        ]::Array(Tuple(LowCardinality(String), UInt64, Nullable(Decimal(38, 24))))
    ) AS line;
