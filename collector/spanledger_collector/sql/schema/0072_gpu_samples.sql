-- gpu_samples: what GPUs tell of themselves, as OTLP metrics: time in use, memory, power, energy.
-- grain: one row a number (workspace, host, device_id, metric, task, tenant, at); the same number sent again is the same row.
-- units: of the metric: hw.gpu.utilization and hw.gpu.memory.utilization shares of 1, hw.gpu.memory.usage and .limit bytes,
--   hw.power watts, hw.energy joules. A month is a partition: it may be dropped, what pools drew in it stays in gpu_energy.
CREATE TABLE IF NOT EXISTS gpu_samples
(
    workspace String COMMENT 'Whose ledger',
    tenant String COMMENT 'On whose behalf: of the API key, else of the resource',
    host String COMMENT 'host.name of the resource, else host.id; empty = not told',
    service_name LowCardinality(String) COMMENT 'service.name of who told it',
    device_id String COMMENT 'hw.id: the device, one of its host; of NVIDIA a UUID',
    device_name LowCardinality(String) COMMENT 'hw.name: what its driver calls it',
    metric LowCardinality(String) COMMENT 'hw.gpu.utilization | hw.gpu.memory.usage | hw.gpu.memory.limit | hw.gpu.memory.utilization | hw.power | hw.energy',
    task LowCardinality(String) COMMENT 'hw.gpu.task: decoder | encoder | general; empty = not told, the whole',
    kind LowCardinality(String) COMMENT 'gauge: how much there is | cumulative: how much there was since ever | delta: how much there was since began_at',
    began_at DateTime64(9, 'UTC') CODEC(Delta, ZSTD) COMMENT 'Of a sum: from when on; 1970 = not told',
    at DateTime64(9, 'UTC') CODEC(Delta, ZSTD) COMMENT 'When it was so',
    value Float64 CODEC(Gorilla, ZSTD) COMMENT 'How much, in the unit of the metric',
    received_at DateTime64(9, 'UTC') CODEC(Delta, ZSTD) COMMENT 'When the collector received it',
    journal_id LowCardinality(String) COMMENT 'Journal',
    sequence UInt64 CODEC(Delta, ZSTD) COMMENT 'Record number in that journal'
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(at)
ORDER BY (workspace, metric, host, device_id, task, tenant, at)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1;
