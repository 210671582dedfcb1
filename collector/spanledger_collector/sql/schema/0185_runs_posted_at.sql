-- runs_posted_at: when a run entered the books, as charges have it. Older rows have the first arrival of any of its spans until their traces
--   are settled again.
ALTER TABLE runs COMMENT COLUMN IF EXISTS posted_at 'Arrival of its own span, without one the first of its spans: when the run entered the books';
