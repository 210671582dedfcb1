-- worth_open: whether nobody can say what a run (r: columns of run_economics) of a trace may be worth at most, as a condition on it. Where
--   its success_value_usd is known it says it. A run that was not asked for (arithmetic/asked_for), of which nothing was recorded and whose
--   agent has no rule, is worth nothing beside one of which it is known: as in the books of the agent that called it.
(
    r.success_value_usd IS NULL
    AND (
        r.value_source != ''
        OR r.unconverted_records > 0
        OR (
            @include arithmetic/asked_for
        )
        OR hasAny(
            [('', toString(r.agent_name)), (toString(r.workspace), toString(r.agent_name))],
            (
                SELECT groupUniqArray((toString(workspace), toString(agent_name)))
                FROM value_rules_in_force
                WHERE agent_name != ''
            )
        )
    )
)
