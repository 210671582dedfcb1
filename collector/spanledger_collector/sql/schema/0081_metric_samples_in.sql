-- metric_samples_in: where samples of metrics enter the engine; keeps nothing, feeds gpu_samples and engine_samples.
-- grain: one row a number, of a GPU or of an engine (then engine is not empty). units: as the tables that it feeds.
CREATE TABLE IF NOT EXISTS metric_samples_in
(
    workspace String COMMENT 'Whose ledger: from the API key',
    tenant String COMMENT 'On whose behalf',
    host String COMMENT 'host.name of the resource, else host.id',
    service_name String COMMENT 'service.name of who told it',
    device_id String COMMENT 'Of a GPU: hw.id',
    device_name String COMMENT 'Of a GPU: hw.name',
    metric String COMMENT 'As it is told',
    task String COMMENT 'Of a GPU: hw.gpu.task',
    engine String COMMENT 'Of an engine: which; empty = of a GPU',
    instance String COMMENT 'Of an engine: the server',
    model String COMMENT 'Of an engine: the model',
    part String COMMENT 'Of an engine: of which part of the server',
    measure String COMMENT 'Of an engine: what is measured',
    kind String COMMENT 'gauge | cumulative | delta',
    began_at DateTime64(9, 'UTC') COMMENT 'Of a sum: from when on',
    at DateTime64(9, 'UTC') COMMENT 'When it was so',
    value Float64 COMMENT 'How much',
    received_at DateTime64(9, 'UTC') COMMENT 'When the collector received it',
    journal_id String COMMENT 'Journal',
    sequence UInt64 COMMENT 'Record number in that journal'
)
ENGINE = Null
