-- call_verdicts: does the usage of a span count, and if not, why. What was taken out stays visible.
-- grain: (workspace, trace_id, span_id), for spans that claim usage or are calls; newest version wins (read with FINAL).
CREATE TABLE IF NOT EXISTS call_verdicts
(
    workspace String COMMENT 'Whose ledger',
    trace_id String COMMENT '32 hex digits',
    span_id String COMMENT '16 hex digits',
    counted Bool COMMENT 'In the sums?',
    usage_quality LowCardinality(String) COMMENT 'call | aggregate_only (an aggregate with no call under it) | none',
    excluded_reason LowCardinality(String) COMMENT 'engine | not_billable | aggregate | duplicate_response | duplicate_nested | duplicate_beside | empty',
    duplicate_of String COMMENT 'Span id of the counted row of the same call',
    retry_reasons Array(LowCardinality(String)) COMMENT 'Failed HTTP attempts of the call, from whichever teller saw most; on the counted row',
    retry_wait_seconds Array(Float64) COMMENT 'Wait after each of them',
    retry_of String COMMENT 'Call that this one repeats, from whichever teller says so',
    rework_of String COMMENT 'Call whose answer was thrown away, likewise',
    rework_reason LowCardinality(String) COMMENT 'Why it was thrown away',
    version UInt64 COMMENT 'Settlement that wrote the row; newest wins'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (workspace, trace_id, span_id);
