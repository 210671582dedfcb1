-- charges: every priced line of the ledger: what one attempt used of one unit, at which rate.
-- The exact sum of an attempt's lines, rounded once (half even) to 12 decimals, is its cost_usd in `attempts`.
-- grain: (workspace, trace_id, span_id, attempt_number, operation, unit), units used only; attempts that are not counted included.
-- units: quantity in what the unit says; USD exact with 24 decimals (what a rate has beyond them is cut off).
-- columns: those of the attempt, and
--   day             UTC day of the start of the call
--   provider_seen   as on the span: who was called, and bills
--   provider        whose price it is: as priced; as on the span, where the book does not know it
--   model           as priced; as answered, else as asked for, where the book does not know it
--   unit            input (uncached) | cache_read | cache_write_5m | cache_write_1h | output, and the units of `attempts`,
--                   which are taken out of these: disjoint
--   quantity        how much of it, in what the unit says
--   rate_usd        USD for rate_per of the unit, at the currency's rate of the day; NULL = no rate
--   rate_per        units that rate_usd is for
--   cost_usd        quantity x rate_usd / rate_per; of gpu_seconds that were dealt out of a pool's bill (rate_usd NULL) their
--                   share of it; NULL = unknown
--   attempt_cost_usd, attempt_cost_low_usd, attempt_cost_high_usd  of the whole attempt, 12 decimals
CREATE OR REPLACE VIEW charges AS
SELECT
    a.workspace AS workspace,
    a.tenant AS tenant,
    a.trace_id AS trace_id,
    a.span_id AS span_id,
    a.attempt_number AS attempt_number,
    a.operation AS operation,
    a.run_id AS run_id,
    a.agent_name AS agent_name,
    a.agent_version AS agent_version,
    a.rework_reason AS rework_reason,
    toDate(a.started_at, 'UTC') AS day,
    a.started_at AS started_at,
    a.provider AS provider_seen,
    @include arithmetic/priced_as
    a.service_tier AS service_tier,
    a.region AS region,
    a.counted AS counted,
    a.usage_source AS usage_source,
    a.price_status AS price_status,
    a.price_id AS price_id,
    line.unit AS unit,
    line.quantity AS quantity,
    if(line.per > 0, accurateCastOrNull(toDecimal256(line.rate, 24) * a.usd_per_currency, 'Decimal(38, 24)'), NULL) AS rate_usd,
    line.per AS rate_per,
    if(
        line.unit = 'gpu_seconds' AND a.price_id = '',
        a.units_cost_usd,
        accurateCastOrNull(
            toDecimal256(toDecimal256(line.quantity, 6) * if(line.per > 0, line.rate, NULL), 40) / greatest(rate_per, 1) * a.usd_per_currency,
            'Decimal(38, 24)'
        )
    ) AS cost_usd,
    a.cost_usd AS attempt_cost_usd,
    a.cost_low_usd AS attempt_cost_low_usd,
    a.cost_high_usd AS attempt_cost_high_usd
FROM
(
    SELECT *, model_key, provider_key
    FROM attempts FINAL
) AS a
LEFT ANY JOIN
(
    SELECT *
    FROM prices
) AS p ON p.price_id = a.price_id
ARRAY JOIN
    arrayFilter(
        one -> one.quantity > 0,
        arrayConcat(
            [
                (
                    'input',
                    a.input_uncached_tokens - a.units['audio_input'] - a.units['image_input'] - a.units['video_input'],
                    p.input_usd_per_token,
                    1
                ),
                (
                    'cache_read',
                    a.cache_read_tokens - a.units['audio_cache_read'] - a.units['image_cache_read'] - a.units['video_cache_read'],
                    p.cache_read_usd_per_token,
                    1
                ),
                ('cache_write_5m', toDecimal128(a.cache_write_5m_tokens, 6), p.cache_write_5m_usd_per_token, 1),
                ('cache_write_1h', toDecimal128(a.cache_write_1h_tokens, 6), p.cache_write_1h_usd_per_token, 1),
                (
                    'output',
                    a.output_tokens - a.units['audio_output'] - a.units['image_output'] - a.units['video_output'] - a.units['reasoning'],
                    p.output_usd_per_token,
                    1
                )
            ],
            arrayMap(
                (unit, quantity, rate) -> (unit, quantity, rate.usd, rate.per),
                mapKeys(a.units),
                mapValues(a.units),
                arrayMap(
                    unit -> p.unit_rates[if(mapContains(p.unit_rates, unit), toString(unit), splitByChar('.', unit)[1] || '.*')],
                    mapKeys(a.units)
                )
            )
        )::Array(Tuple(unit LowCardinality(String), quantity Decimal(38, 6), rate Nullable(Decimal(38, 24)), per UInt64))
    ) AS line;
