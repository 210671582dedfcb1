-- priced_as: whose price an attempt (alias a) has, and of which model; as called and answered, where the book does not know it.
-- grain: two columns of a SELECT over attempts.
a.provider_key AS provider,
a.model_key AS model,
