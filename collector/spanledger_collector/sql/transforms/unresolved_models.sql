-- unresolved_models: model ids on the given traces that this price book was not asked about yet.
-- grain: one row a (provider, model) as on the span. parameters: version = the settlement, its spans are in settling_spans; book_id.
SELECT DISTINCT
    toString(provider) AS provider_seen,
    model AS model_seen
FROM settling_spans
ARRAY JOIN arrayDistinct([request_model, response_model]) AS model
WHERE version = {version:UInt64}
    AND (role = 'call' OR usage_source IN ('provider', 'estimated'))
    AND model != ''
    AND (provider_seen, model_seen) NOT IN (
        SELECT provider_seen, model_seen
        FROM model_aliases FINAL
        GROUP BY
            provider_seen,
            model_seen
        HAVING argMax(book_id, (known_from, resolved_at)) = {book_id:String}
    )
ORDER BY
    provider_seen,
    model_seen
