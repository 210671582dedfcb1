-- span_runs: where each span belongs: the run, tool and workflow nearest to it, and the calls above and below it.
-- grain: (workspace, trace_id, span_id); written by settle, newest version wins (read with FINAL). Derived: may be dropped.
CREATE TABLE IF NOT EXISTS span_runs
(
    workspace String COMMENT 'Whose ledger',
    trace_id String COMMENT '32 hex digits',
    span_id String COMMENT '16 hex digits',
    day Date COMMENT 'Day of the span: with trace_id, a primary-key read of spans',
    role LowCardinality(String) COMMENT 'As on the span',
    run_id String COMMENT 'Run of the span: stamped, else nearest run above, else the run of the trace (one a tenant, where several are told)',
    run_kind LowCardinality(String) COMMENT 'agent | workflow | trace',
    is_run_root Bool COMMENT 'This span is the agent (or workflow) that the run is an execution of',
    parent_run_id String COMMENT 'On a run root: the run that called this one, empty = top',
    tenant String COMMENT 'Of its run: that of the span it is an execution of, else the only one that its spans name, else the only one of the trace',
    agent_name String COMMENT 'Agent of the run, empty outside any agent',
    agent_id String COMMENT 'gen_ai.agent.id of the run',
    agent_version String COMMENT 'Version of that agent',
    workflow_name String COMMENT 'Stamped, else the nearest workflow around it',
    tool_name String COMMENT 'Nearest tool around it, itself included',
    tool_is_near Bool COMMENT 'That tool is in the run of the span; of a run root: in the run that called it',
    purpose LowCardinality(String) COMMENT 'work | appraisal (judging answers) | prevention (guarding against bad ones): own, else of the nearest span above that tells one',
    conversation_id String COMMENT 'Own, else of the run, else of the trace',
    enclosing_call String COMMENT 'Span id of the nearest call above; empty = none',
    usage_below Bool COMMENT 'A call or other metered span is somewhere under it: an aggregate with usage below never counts',
    version UInt64 COMMENT 'Settlement that wrote the row; newest wins'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (workspace, trace_id, span_id);
