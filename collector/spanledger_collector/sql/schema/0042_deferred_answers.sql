-- deferred_answers: who told an answer that the provider keeps: a batch's result, a background response. Whoever fetches
-- it again tells it again, often in another trace; settle counts the one that was received first.
-- grain: one row a span with usage of such an answer; safe to rebuild from spans.
CREATE TABLE IF NOT EXISTS deferred_answers
(
    workspace String COMMENT 'Whose ledger',
    response_id String COMMENT 'Provider id of the answer',
    received_at DateTime64(9, 'UTC') COMMENT 'When the collector received the span',
    started_at DateTime64(9, 'UTC') COMMENT 'Start of the span: of those received at once the earliest is the first',
    trace_id String COMMENT '32 hex digits',
    span_id String COMMENT '16 hex digits'
)
ENGINE = ReplacingMergeTree
ORDER BY (workspace, response_id, received_at, started_at, trace_id, span_id)
SETTINGS
    non_replicated_deduplication_window = 10000,
    fsync_after_insert = 1;
