-- run_options: how each run of an agent was served: the model that most of its money went to, and GPUs in parallel.
-- grain: one row a run of an agent (workspace, trace_id, run_id). units: USD, 12 decimals; nanoseconds (_ns).
-- columns:
--   model         priced model (else the called one) of the largest part of the run's own cost; empty = it called none
--   gpu_count     most GPUs in parallel that one of its own spans tells (its calls, or a server's below them), else those of a replica of the
--                 pool (gpu_windows) that served a call of it; 0 = neither tells
--   is_costed     its cost is known wholly
--   is_told       and what was recorded of it has rates: so is its margin
--   is_inclusive_costed, is_inclusive_told   the same of it and of all runs below it
-- the others: as in run_economics.
CREATE OR REPLACE VIEW run_options AS
WITH
    @include arithmetic/all_options,
    @include arithmetic/run_options
SELECT
    workspace,
    trace_id,
    run_id,
    agent_name,
    agent_version,
    tenant,
    started_at,
    model,
    gpu_count,
    duration_ns,
    succeeded,
    is_costed,
    is_told,
    total_cost_usd,
    value_usd,
    value_source,
    is_inclusive_costed,
    is_inclusive_told,
    inclusive_total_cost_usd,
    inclusive_value_usd
FROM option_runs;
