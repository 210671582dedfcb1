-- runs: one row a run = one execution of one agent (or of what ran outside any agent), written by settle.
-- grain: (workspace, trace_id, run_id); newest version wins, is_deleted rows vanish (read with FINAL).
-- units: USD with 12 decimals, self = this run's own attempts, inclusive = with its sub-agents' runs. NULL = nothing priced.
CREATE TABLE IF NOT EXISTS runs
(
    workspace String COMMENT 'Whose ledger',
    tenant String COMMENT 'On whose behalf',
    trace_id String COMMENT '32 hex digits',
    run_id String COMMENT 'spanledger.run.id, else the span id of the agent (or trace) that it is',
    parent_run_id String COMMENT 'Run that called this one; empty = top',
    kind LowCardinality(String) COMMENT 'agent | workflow | trace (calls outside any agent)',
    agent_name String COMMENT 'Agent; empty for workflow and trace runs',
    agent_id String COMMENT 'gen_ai.agent.id',
    agent_version String COMMENT 'gen_ai.agent.version',
    workflow_name String COMMENT 'Workflow around it',
    conversation_id String COMMENT 'Conversation',
    service_name LowCardinality(String) COMMENT 'service.name',
    tags Map(String, String) COMMENT 'User tags',
    started_at DateTime64(9, 'UTC') COMMENT 'Start',
    ended_at DateTime64(9, 'UTC') COMMENT 'End',
    duration_ns UInt64 COMMENT 'Latency of the run',
    ttft_ns UInt64 COMMENT 'From start of the run to its first token; 0 = unknown',
    status LowCardinality(String) COMMENT 'ok | error',
    error_type LowCardinality(String) COMMENT 'Why it failed',
    span_count UInt32 COMMENT 'Spans of the run itself',
    calls UInt32 COMMENT 'Model calls (spans)',
    attempts UInt32 COMMENT 'Attempts counted, failed ones included',
    failed_attempts UInt32 COMMENT 'Attempts that failed',
    retries UInt32 COMMENT 'Attempts beyond the first of a call',
    tool_calls UInt32 COMMENT 'Tool executions',
    input_uncached_tokens UInt64 COMMENT 'Self',
    cache_read_tokens UInt64 COMMENT 'Self',
    cache_write_5m_tokens UInt64 COMMENT 'Self',
    cache_write_1h_tokens UInt64 COMMENT 'Self',
    output_tokens UInt64 COMMENT 'Self',
    reasoning_tokens UInt64 COMMENT 'Self, part of output_tokens',
    cost_usd Nullable(Decimal(38, 12)) COMMENT 'Self: sum of its counted attempts',
    inclusive_cost_usd Nullable(Decimal(38, 12)) COMMENT 'With sub-agents',
    rework_cost_usd Nullable(Decimal(38, 12)) COMMENT 'Part of cost_usd that was wasted; a view of it, never added',
    estimated_cost_usd Nullable(Decimal(38, 12)) COMMENT 'Part of cost_usd whose usage is estimated',
    cost_low_usd Nullable(Decimal(38, 12)) COMMENT 'Low end',
    cost_high_usd Nullable(Decimal(38, 12)) COMMENT 'High end',
    unpriced_attempts UInt32 COMMENT 'Attempts whose cost is unknown (unpriced, partial or unmetered)',
    flops_total UInt64 COMMENT 'Self',
    vram_peak_bytes UInt64 COMMENT 'Largest of its calls',
    gpu_seconds Float64 COMMENT 'Self',
    version UInt64 COMMENT 'Settlement that wrote the row',
    is_deleted UInt8 COMMENT '1 = a later settlement found no such run'
)
ENGINE = ReplacingMergeTree(version, is_deleted)
PARTITION BY tuple()
ORDER BY (workspace, trace_id, run_id)
SETTINGS fsync_after_insert = 1;
