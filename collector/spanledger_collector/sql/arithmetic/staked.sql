-- staked: whether what a run (r: columns of run_economics) is worth may hang on how it goes, as a condition on it: it was recorded, or a value
--   rule of its agent pays for something that may fail to come (a success, units of an outcome, an answer in time). What a rule pays for
--   every run alike is earned whatever comes.
(
    r.value_source != 'rule'
    OR ifNull(r.inclusive_value_usd != r.value_usd, 1)
    OR hasAny(
        [('', ''), ('', toString(r.agent_name)), (toString(r.workspace), ''), (toString(r.workspace), toString(r.agent_name))],
        (
            SELECT groupUniqArray((toString(workspace), toString(agent_name)))
            FROM value_rules_in_force
            WHERE per != 'run' OR zero_after_seconds > 0
        )
    )
)
