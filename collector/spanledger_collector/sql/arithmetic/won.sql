-- won: whether a run is known to have succeeded, as a condition on a run (r): the one definition of what successes are counted by.
-- Of what ran outside any agent nobody says that it succeeded, only that no error ended it: a success is it where an outcome was recorded.
(r.succeeded AND (r.agent_name != '' OR r.outcome != ''))
