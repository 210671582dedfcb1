-- runs_top: which runs are the tops of their traces, and which were called by what is not there. Rows of older settlements take those without
--   a named caller for tops, and no caller for missing, until they are settled again.
ALTER TABLE runs
    ADD COLUMN IF NOT EXISTS is_top Bool DEFAULT parent_run_id = '' COMMENT 'No run of its trace is above it, whatever it names; of runs that call each other in a circle the first. Inclusive figures of tops sum to the ledger' AFTER callers,
    ADD COLUMN IF NOT EXISTS caller_missing Bool DEFAULT false COMMENT 'It, or a run above it, names a caller that is not in its trace: lost, not arrived yet, or in a trace of its own' AFTER is_top;
