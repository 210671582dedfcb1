-- sought_records: the records whose run is looked for, a parameter of search_records that may be thousands of rows long.
-- grain: one row a (look, record); of use only while that look runs, forgotten after a day.
CREATE TABLE IF NOT EXISTS sought_records
(
    version UInt64 COMMENT 'The look, or the settlement that may have changed what has a run',
    workspace String COMMENT 'Whose ledger',
    kind LowCardinality(String) COMMENT 'revenue | outcome | evaluation | expense | effort',
    record_id String COMMENT 'Name of the record',
    told_apart String COMMENT 'Trace in which it was told of that trace itself; empty = told from elsewhere',
    asked_at DateTime DEFAULT now() COMMENT 'When'
)
ENGINE = MergeTree
ORDER BY (version, workspace, kind, record_id)
TTL asked_at + INTERVAL 1 DAY;
