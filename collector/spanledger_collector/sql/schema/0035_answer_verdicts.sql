-- answer_verdicts: spans whose work was wasted because an answer was judged wrong: that answer's own, and what was built on it.
-- grain: (workspace, trace_id, span_id); written by settle, newest version wins (read with FINAL). Derived: may be dropped.
CREATE TABLE IF NOT EXISTS answer_verdicts
(
    workspace String COMMENT 'Whose ledger',
    trace_id String COMMENT '32 hex digits',
    span_id String COMMENT '16 hex digits',
    reason LowCardinality(String) COMMENT 'wrong | hallucinated | built_on_wrong | built_on_hallucinated',
    version UInt64 COMMENT 'Settlement that wrote the row; newest wins'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (workspace, trace_id, span_id);
