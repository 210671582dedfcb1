-- run_paths: how runs that another run called were reached: the agents and tools above them, from the outermost to the caller.
-- grain: (workspace, trace_id, run_id), only of runs that were called; written by settle (trace_callers), newest version wins.
--   Derived: may be dropped.
CREATE TABLE IF NOT EXISTS run_paths
(
    workspace String COMMENT 'Whose ledger',
    trace_id String COMMENT '32 hex digits',
    run_id String COMMENT 'Run that was called',
    called_by Array(String) COMMENT 'Agent, tool, agent, tool, ...: each agent above, and the tool by which it called the next (empty = without one)',
    version UInt64 COMMENT 'Settlement that wrote the row; newest wins'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (workspace, trace_id, run_id);
