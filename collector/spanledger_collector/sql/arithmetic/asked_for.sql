-- asked_for: whether a run is what was asked for, as a condition on a run (r): a run of an agent that no agent called, whatever
--   workflows are around it. The one definition of whose successes and failures are a tenant's, a day's and everybody's, and of
--   what value rules of no agent are for.
-- A helper's run is a part of its caller's. Workflows, and calls outside any agent, are around or beside the work: nobody says of
--   them whether it succeeded, only that no error ended them.
-- Nor is a run what was asked for that was called by what is not in its trace (caller_missing): its caller's span was lost or did not
--   arrive yet, or is in another trace, where it is what was asked for itself.
-- Of runs that call each other in a circle (bad data) the first is: all that they cost and earn is its own with what is below it.
-- Reads r.kind, r.callers (the agents above it, at any distance), r.is_top, r.caller_missing.
r.kind = 'agent' AND (empty(r.callers) OR r.is_top) AND NOT r.caller_missing
