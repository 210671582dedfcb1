-- spans_to_deferred_answers: notes the spans that tell an answer which others may tell too.
-- grain: one row a span, written by the same INSERT that writes the spans.
CREATE MATERIALIZED VIEW IF NOT EXISTS spans_to_deferred_answers TO deferred_answers AS
SELECT
    workspace,
    response_id,
    received_at,
    started_at,
    trace_id,
    span_id
FROM spans
WHERE attributes['spanledger.response.deferred'] = 'true' AND usage_source = 'provider' AND response_id != ''
