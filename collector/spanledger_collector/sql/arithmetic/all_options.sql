-- all_options: CTEs: what arithmetic/run_options reads, of all there is.
asked_runs AS (SELECT * FROM run_economics WHERE agent_name != ''),
asked_attempts AS (SELECT *, model_key FROM attempts FINAL),
asked_spans AS (SELECT workspace, trace_id, span_id, gpu_count FROM spans WHERE gpu_count > 0),
asked_shares AS (SELECT * FROM gpu_shares FINAL)
