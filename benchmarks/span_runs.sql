-- span_runs: which run each made-up span (told_spans.sql) is of, for benchmarks.
-- grain: one row a span, into span_runs. parameters: since, until (start of the span, until exclusive).
INSERT INTO span_runs (workspace, trace_id, span_id, day, role, run_id, run_kind, is_run_root, tenant, agent_name, agent_version, tool_name, version)
SELECT
    workspace, trace_id, span_id, toDate(started_at), role, run_id, 'agent', role = 'agent', tenant, agent_name, agent_version, tool_name, 1
FROM spans
WHERE workspace = 'default' AND started_at >= {since:DateTime64(9)} AND started_at < {until:DateTime64(9)}
