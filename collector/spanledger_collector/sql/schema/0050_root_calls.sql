-- root_calls: calls that are a trace of their own, or of which another may be one (spanledger.response.told_apart). Two instrumentations that hand no context to each other tell one call in
-- two traces; settle finds the other one here, by its answer's id, or by its tokens and its time. (In a cluster: where both
-- traces are on one shard.)
-- grain: one row a root span that is a call with the provider's usage, a second one if it has a response id, as a call has that
-- is told apart; safe to rebuild from spans. units: tokens.
CREATE TABLE IF NOT EXISTS root_calls
(
    workspace String COMMENT 'Whose ledger',
    told_as UInt64 COMMENT 'What it is found by: cityHash64 of service and tokens, in the second row of service and response id',
    service_name LowCardinality(String) COMMENT 'As in spans, and so are all that follow',
    input_tokens UInt64 COMMENT 'All of the input, cached or not',
    output_tokens UInt64 COMMENT 'Output, reasoning included',
    started_at DateTime64(9, 'UTC') COMMENT 'Start of the span',
    ended_at DateTime64(9, 'UTC') COMMENT 'End of the span',
    trace_id String COMMENT '32 hex digits',
    span_id String COMMENT '16 hex digits',
    scope_name LowCardinality(String) COMMENT 'Instrumentation scope',
    model String COMMENT 'Model that answered, else the one asked for: lower case, without what stands before a slash',
    response_id String COMMENT 'Provider id of the answer',
    failed Bool COMMENT 'The span ended in an error',
    told_apart Bool COMMENT 'Its teller knows that others may tell it in a trace of their own: it counts, they do not'
)
ENGINE = ReplacingMergeTree
ORDER BY (workspace, told_as, started_at, trace_id, span_id)
SETTINGS
    non_replicated_deduplication_window = 10000,
    fsync_after_insert = 1;
