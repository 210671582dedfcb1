-- attempts_asked: conditions: counted attempts (alias a) of a part of the ledger, and of them those behind one figure.
-- parameters: workspace; since, until (start of the call, until exclusive); agent_name, agent_version, tenant (empty = any); by, key (as in
--   rework_reasons: only those of this key; total = of any); only (words with a comma between: calls = of models, work = neither judges nor
--   guards, rework = wasted, used = work that was not, appraisal = judges, prevention = guards, quality = judges, guards or wasted); rework_reason, price_status, usage_source, price_id (empty = any);
--   model_ids (empty = any; else as JSON [provider, request_model, response_model, priced_provider, priced_model], all of which it has); path
--   (empty = any; else what it is below, as JSON [[kind, name], ...], the steps of arithmetic/path_steps from the outermost agent).
@include arithmetic/attempts_of_period
AND ({by:String} = 'total' OR {key:String} = toString(
    @include arithmetic/attempt_key
))
AND (NOT has(splitByChar(',', {only:String}), 'calls') OR a.operation NOT IN ('execute_tool', 'effort', 'expense', 'load_model'))
AND (NOT has(splitByChar(',', {only:String}), 'work') OR a.purpose = 'work')
AND (NOT has(splitByChar(',', {only:String}), 'rework') OR a.rework_reason != '')
AND (NOT has(splitByChar(',', {only:String}), 'used') OR (a.purpose = 'work' AND a.rework_reason = ''))
AND (NOT has(splitByChar(',', {only:String}), 'appraisal') OR a.purpose = 'appraisal')
AND (NOT has(splitByChar(',', {only:String}), 'prevention') OR a.purpose = 'prevention')
AND (NOT has(splitByChar(',', {only:String}), 'quality') OR a.purpose IN ('appraisal', 'prevention') OR a.rework_reason != '')
AND ({rework_reason:String} = '' OR a.rework_reason = {rework_reason:String})
AND ({price_status:String} = '' OR a.price_status = {price_status:String})
AND ({usage_source:String} = '' OR a.usage_source = {usage_source:String})
AND ({price_id:String} = '' OR a.price_id = {price_id:String})
AND (
    {model_ids:String} = ''
    OR JSONExtract({model_ids:String}, 'Array(String)')
        = [toString(a.provider), toString(a.request_model), toString(a.response_model), toString(a.priced_provider), toString(a.priced_model)]
)
AND (
    {path:String} = ''
    OR JSONExtract({path:String}, 'Array(Array(String))') = arraySlice(
        arrayMap(
            step -> [step.1, step.2],
            @include arithmetic/path_steps of=a
        ),
        1,
        length(JSONExtract({path:String}, 'Array(Array(String))'))
    )
)
