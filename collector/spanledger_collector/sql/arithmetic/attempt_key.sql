-- attempt_key: what attempts (alias a) are divided by: an expression.
-- parameters: by (agent | version | model | prompt | tenant; any other word = total).
-- An if whose condition is known beforehand is the column itself: the engine groups by its dictionary.
if({by:String} = 'agent', a.agent_name,
    if({by:String} = 'version',
        @include arithmetic/name_and_version name=a.agent_name version=a.agent_version,
        if({by:String} = 'model', toLowCardinality(a.provider_key || '/' || a.model_key),
            if({by:String} = 'prompt',
                @include arithmetic/name_and_version name=a.prompt_name version=a.prompt_version,
                if({by:String} = 'tenant', a.tenant, 'total')))))
