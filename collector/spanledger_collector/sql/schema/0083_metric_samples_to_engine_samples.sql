-- metric_samples_to_engine_samples: what is of an engine. grain: one row a number.
CREATE MATERIALIZED VIEW IF NOT EXISTS metric_samples_to_engine_samples TO engine_samples AS
SELECT
    workspace, tenant, service_name, instance, engine, model, part, measure, metric, kind, began_at, at, value, received_at, journal_id, sequence
FROM metric_samples_in
WHERE engine != ''
