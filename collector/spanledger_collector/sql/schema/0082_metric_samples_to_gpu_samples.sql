-- metric_samples_to_gpu_samples: what is of a GPU. grain: one row a number.
CREATE MATERIALIZED VIEW IF NOT EXISTS metric_samples_to_gpu_samples TO gpu_samples AS
SELECT
    workspace, tenant, host, service_name, device_id, device_name, metric, task, kind, began_at, at, value, received_at, journal_id, sequence
FROM metric_samples_in
WHERE engine = ''
