-- attempts_behind: the counted attempts that a figure sums, each of which `explain_attempts` explains.
-- parameters: workspace; since, until (start of the call, until exclusive); agent_name, agent_version, tenant, rework_reason,
--   price_status, usage_source, price_id, model_ids, path, by (total | agent | version | model | prompt | tenant: what key is), key, only (calls | work | rework |
--   used | appraisal | prevention | quality: any of them with a comma between; all of it: arithmetic/attempts_asked); limit; offset (so many of the dearest are left out).
-- grain: one row an attempt, dearest first, those of unknown cost last, then newest first. units: USD, 12 decimals; tokens; seconds.
-- columns: started_at, trace_id, span_id, attempt_number, operation, agent_name, agent_version, tenant, provider, request_model,
--   response_model, priced_provider, priced_model, price_status, usage_source, input_tokens (cached ones included), output_tokens,
--   cost_usd (NULL = unknown), outcome, error_type, rework_reason, wait_seconds.
SELECT
    a.started_at AS started_at,
    a.trace_id AS trace_id,
    a.span_id AS span_id,
    a.attempt_number AS attempt_number,
    a.operation AS operation,
    a.agent_name AS agent_name,
    a.agent_version AS agent_version,
    a.tenant AS tenant,
    a.provider AS provider,
    a.request_model AS request_model,
    a.response_model AS response_model,
    a.priced_provider AS priced_provider,
    a.priced_model AS priced_model,
    a.price_status AS price_status,
    a.usage_source AS usage_source,
    a.input_uncached_tokens + a.cache_read_tokens + a.cache_write_5m_tokens + a.cache_write_1h_tokens AS input_tokens,
    a.output_tokens AS output_tokens,
    a.cost_usd AS cost_usd,
    a.outcome AS outcome,
    a.error_type AS error_type,
    a.rework_reason AS rework_reason,
    a.wait_seconds AS wait_seconds
FROM attempts AS a FINAL
-- Which ones is asked of a few columns, and all the others are read of these few: every version of a row has the same key, so that it
-- may be looked for before the newest version is.
PREWHERE (a.trace_id, a.span_id, a.attempt_number, a.operation) IN (
        SELECT
            a.trace_id,
            a.span_id,
            a.attempt_number,
            a.operation
        FROM attempts AS a FINAL
        WHERE
            @include arithmetic/attempts_asked
        ORDER BY
            a.cost_usd DESC NULLS LAST,
            a.started_at DESC,
            a.trace_id,
            a.span_id,
            a.attempt_number,
            a.operation
        LIMIT {limit:UInt32} OFFSET {offset:UInt32}
    )
WHERE
    @include arithmetic/attempts_asked
ORDER BY
    cost_usd DESC NULLS LAST,
    started_at DESC,
    trace_id,
    span_id,
    attempt_number,
    operation;
