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
    asked_runs AS (SELECT * FROM run_economics WHERE agent_name != ''),
    asked_attempts AS (SELECT *, model_key FROM attempts FINAL),
    asked_spans AS (SELECT workspace, trace_id, span_id, gpu_count FROM spans WHERE gpu_count > 0),
    asked_shares AS (SELECT * FROM gpu_shares FINAL),
    @include arithmetic/run_options
SELECT *
FROM option_runs;
