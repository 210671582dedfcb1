-- models_of_older_books: model ids that this price book was not asked about since another one was.
-- grain: one row a (provider, model) as on the span. parameters: book_id.
SELECT
    provider_seen,
    model_seen
FROM model_aliases FINAL
GROUP BY
    provider_seen,
    model_seen
HAVING argMax(book_id, (known_from, resolved_at)) != {book_id:String}
ORDER BY
    provider_seen,
    model_seen
