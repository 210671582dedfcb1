-- priced_as: whose price an attempt (alias a) has, and of which model; as called and answered, where the book does not know it.
-- grain: two columns of a SELECT over attempts.
if(a.priced_provider != '', a.priced_provider, a.provider) AS provider,
multiIf(a.priced_model != '', a.priced_model, a.response_model != '', a.response_model, a.request_model) AS model,
