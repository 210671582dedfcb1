-- verdict_of_label: what an evaluation without a verdict of its own says, by the word of its judge: the one rule for labels.
-- OpenTelemetry leaves labels to each evaluator; these are those of its own examples (correct, incorrect, pass, fail) and of
-- the evaluators of Phoenix (hallucinated, factual), Ragas and DeepEval (faithful, grounded) and their opposites. A label
-- that says nothing of right and wrong (relevant, toxic, terse) or a score in a scale of its own gives no verdict.
multiIf(
    lower(attributes['gen_ai.evaluation.score.label']) IN ('hallucinated', 'hallucination'), 'hallucinated',
    positionCaseInsensitive(attributes['gen_ai.evaluation.name'], 'hallucinat') > 0
        AND lower(attributes['gen_ai.evaluation.score.label']) IN ('fail', 'failed', 'yes', 'true', 'detected'), 'hallucinated',
    lower(attributes['gen_ai.evaluation.score.label'])
        IN ('fail', 'failed', 'incorrect', 'wrong', 'unfaithful', 'ungrounded', 'not_grounded', 'unsupported'), 'wrong',
    lower(attributes['gen_ai.evaluation.score.label'])
        IN ('pass', 'passed', 'correct', 'factual', 'faithful', 'grounded', 'supported', 'not_hallucinated'), 'acceptable',
    ''
),
