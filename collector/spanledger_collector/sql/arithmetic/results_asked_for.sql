-- results_asked_for: columns: top_successful_runs, top_failed_runs: of a group of runs (r) those that were asked for, and succeeded or did not.
countIf(
    @include arithmetic/won
    AND
    @include arithmetic/asked_for
) AS top_successful_runs,
countIf(
    NOT r.succeeded
    AND
    @include arithmetic/asked_for
) AS top_failed_runs
