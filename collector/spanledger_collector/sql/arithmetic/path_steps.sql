-- path_steps: who called whom down to what was paid, as steps (kind, name) from the outermost agent: agents and the tools by which they
--   called, then agent | tool | model | tool_price | person | expense | loading. A step without a tool is a call of the agent itself.
-- grain: one expression. Reads called_by, agent_name, tool_name, tool_in_run, operation and model_key of $(of) (rows of attempts).
arrayFilter(
    step -> step.1 != 'tool' OR step.2 != '',
    arrayConcat(
        arrayMap((name, place) -> (if(place % 2 = 1, 'agent', 'tool'), name), $(of).called_by, arrayEnumerate($(of).called_by)),
        [
            ('agent', toString($(of).agent_name)),
            ('tool', if($(of).tool_in_run, toString($(of).tool_name), '')),
            multiIf(
                $(of).operation = 'execute_tool', ('tool_price', ''),
                $(of).operation = 'effort', ('person', toString($(of).model_key)),
                $(of).operation = 'expense', ('expense', toString($(of).model_key)),
                $(of).operation = 'load_model', ('loading', toString($(of).model_key)),
                ('model', toString($(of).model_key))
            )
        ]
    )
)
