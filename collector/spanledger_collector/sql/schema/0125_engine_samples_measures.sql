-- engine_samples_measures: all that are kept.
ALTER TABLE engine_samples COMMENT COLUMN IF EXISTS measure 'requests_running | requests_waiting | kv_cache_used | prefix_queried_tokens | prefix_hit_tokens | preemptions | prompt_tokens | output_tokens | drafted_tokens | accepted_tokens | flops_per_gpu | read_bytes_per_gpu | written_bytes_per_gpu';
