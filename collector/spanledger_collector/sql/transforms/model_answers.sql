-- model_answers: what older books have said about the model ids that this one was not asked about yet, the newest known last.
-- grain: one row a (provider, model) as on the span and known_from. parameters: book_id.
-- columns: meanings (valid_from, valid_to, provider, model, method of each window, in order).
SELECT
    provider_seen,
    model_seen,
    known_from,
    arraySort(groupArray((valid_from, valid_to, toString(provider), model, toString(method)))) AS meanings
FROM model_aliases FINAL
WHERE (provider_seen, model_seen) NOT IN (
    SELECT provider_seen, model_seen
    FROM model_aliases FINAL
    GROUP BY
        provider_seen,
        model_seen
    HAVING argMax(book_id, (known_from, resolved_at)) = {book_id:String}
)
GROUP BY
    provider_seen,
    model_seen,
    known_from
ORDER BY known_from
