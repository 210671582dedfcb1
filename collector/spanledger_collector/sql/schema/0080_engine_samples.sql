-- engine_samples: what inference engines (vLLM, SGLang, Text Generation Inference, llama.cpp) tell of themselves in /metrics.
-- grain: one row a number (workspace, service_name, instance, engine, model, part, measure, tenant, at); the same number sent again is the
--   same row, and so is one told under an older name beside the newer, or by several ranks that compute as one.
-- units: of the measure: requests, share of 1 (kv_cache_used), tokens, preemptions. A month is a partition: it may be dropped.
CREATE TABLE IF NOT EXISTS engine_samples
(
    workspace String COMMENT 'Whose ledger',
    tenant String COMMENT 'On whose behalf: of the API key, else of the resource',
    service_name LowCardinality(String) COMMENT 'service.name of who told it: the job of a scrape; by convention the pool',
    instance LowCardinality(String) COMMENT 'service.instance.id of the resource, else server.address, else host.name: the server',
    engine LowCardinality(String) COMMENT 'vllm | sglang | tgi | llama.cpp',
    model LowCardinality(String) COMMENT 'As the server calls it; empty = not told',
    part LowCardinality(String) COMMENT 'Of the server, by its labels engine, dp_rank, cache_source; empty = the whole',
    measure LowCardinality(String) COMMENT 'requests_running | requests_waiting | kv_cache_used | prefix_queried_tokens | prefix_hit_tokens | preemptions | prompt_tokens | output_tokens',
    metric LowCardinality(String) COMMENT 'What the engine calls it',
    kind LowCardinality(String) COMMENT 'gauge: how much there is | cumulative: how much there was since it started | delta: how much there was since began_at',
    began_at DateTime64(9, 'UTC') CODEC(Delta, ZSTD) COMMENT 'Of a sum: from when on; 1970 = not told',
    at DateTime64(9, 'UTC') CODEC(Delta, ZSTD) COMMENT 'When it was so',
    value Float64 CODEC(Gorilla, ZSTD) COMMENT 'How much',
    received_at DateTime64(9, 'UTC') CODEC(Delta, ZSTD) COMMENT 'When the collector received it',
    journal_id LowCardinality(String) COMMENT 'Journal',
    sequence UInt64 CODEC(Delta, ZSTD) COMMENT 'Record number in that journal'
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(at)
ORDER BY (workspace, service_name, instance, engine, model, part, measure, tenant, at)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1;
