-- spans_to_records: takes the records out of every inserted block of spans.
-- grain: one row a record. A span of role record holds one; an agent or workflow may carry revenue, outcome and the others as
--   attributes of its own (that is how a program without the SDK tells them).
CREATE MATERIALIZED VIEW IF NOT EXISTS spans_to_records TO records AS
SELECT
    workspace,
    multiIf(
        attributes['spanledger.subject.trace_id'] != '', 'trace',
        attributes['spanledger.subject.run_id'] != '', 'run',
        attributes['spanledger.subject.external_key'] != '', 'key',
        'trace'
    ) AS subject_kind,
    multiIf(
        subject_kind = 'run', attributes['spanledger.subject.run_id'],
        subject_kind = 'key', attributes['spanledger.subject.external_key'],
        attributes['spanledger.subject.trace_id'] != '', attributes['spanledger.subject.trace_id'],
        trace_id
    ) AS subject,
    attributes['spanledger.subject.run_id'] AS subject_run_id,
    multiIf(
        attributes['spanledger.subject.span_id'] != '', attributes['spanledger.subject.span_id'],
        subject_kind = 'trace' AND subject = trace_id, span_id,
        ''
    ) AS subject_span_id,
    kind,
    if(attributes['spanledger.record.id'] != '', attributes['spanledger.record.id'], span_id) AS record_id,
    trace_id,
    span_id,
    tenant,
    started_at AS occurred_at,
    ifNull(parseDateTime64BestEffortOrNull(attributes['spanledger.record.recorded_at'], 9, 'UTC'), ended_at) AS recorded_at,
    received_at,
    if(attributes['spanledger.purpose'] IN ('work', 'appraisal', 'prevention'), attributes['spanledger.purpose'], '') AS purpose,
    multiIf(
        kind = 'outcome', attributes['spanledger.outcome.unit'],
        kind = 'evaluation', attributes['gen_ai.evaluation.name'],
        kind = 'expense', attributes['spanledger.expense.category'],
        kind = 'effort', attributes['spanledger.effort.role'],
        ''
    ) AS name,
    multiIf(
        kind = 'outcome', attributes['spanledger.outcome'],
        kind = 'evaluation' AND attributes['spanledger.evaluation.verdict'] != '', attributes['spanledger.evaluation.verdict'],
        kind = 'evaluation',
        @include arithmetic/verdict_of_label
        ''
    ) AS verdict,
    toDecimal128OrNull(attributes[amount_key], 12) AS amount,
    if(amount IS NULL, '', if(attributes[currency_key] = '', 'USD', upper(attributes[currency_key]))) AS currency,
    multiIf(
        kind = 'effort', toDecimal128OrNull(attributes['spanledger.effort.minutes'], 6),
        kind = 'outcome', toDecimal128OrNull(attributes['spanledger.outcome.quantity'], 6),
        NULL
    ) AS quantity,
    if(kind = 'evaluation', toFloat64OrNull(attributes['gen_ai.evaluation.score.value']), NULL) AS score,
    if(kind = 'evaluation', attributes['gen_ai.evaluation.score.label'], '') AS label,
    attributes['spanledger.record.reason'] AS reason,
    service_name,
    journal_id,
    sequence
FROM
(
    SELECT
        *,
        arrayJoin(arrayFilter(
            k -> mapContains(attributes, k.2) OR (k.1 = 'evaluation' AND mapContains(attributes, 'gen_ai.evaluation.score.value'))
                OR (k.1 = 'evaluation' AND mapContains(attributes, 'gen_ai.evaluation.score.label')),
            [
                ('revenue', 'spanledger.revenue.amount', 'spanledger.revenue.amount', 'spanledger.revenue.currency'),
                ('outcome', 'spanledger.outcome', 'spanledger.value.amount', 'spanledger.value.currency'),
                ('evaluation', 'spanledger.evaluation.verdict', '', ''),
                ('expense', 'spanledger.expense.amount', 'spanledger.expense.amount', 'spanledger.expense.currency'),
                ('effort', 'spanledger.effort.minutes', '', '')
            ]
        )) AS told,
        told.1 AS kind,
        told.3 AS amount_key,
        told.4 AS currency_key
    FROM spans
    WHERE role IN ('record', 'agent', 'workflow')
)
