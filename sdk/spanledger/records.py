"""What the application knows of its runs: revenue, outcomes, verdicts, expenses, effort.

Each function writes one short span, so a record travels, is acknowledged and is counted once like
any other span, also days later and from another process::

    with spanledger.agent("support"):
        ...
        spanledger.record_outcome("success", value="4.50")

    spanledger.record_revenue("20.00", currency="EUR", external_key="ticket-77")

Without a subject a record is about the run around it. Otherwise it names one: a ``run_id``, a
``span_id`` (one call) with its ``trace_id``, a whole ``trace_id``, or the
application's own ``external_key``, which ``with spanledger.context(external_key="ticket-77"):``
puts on a run. A record may come before the run it is about.

A record with the ``record_id`` of an earlier one of its kind amends it: the newest counts, all are
kept. Amounts are exact: give text, a ``Decimal`` or an integer; a float counts as its shortest
text.
What cannot be used is logged and left out; no function raises into the application.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Final, Literal, TypedDict

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.util.types import AttributeValue

from spanledger import _scope, semconv
from spanledger._guard import guarded

if TYPE_CHECKING:  # the API of OpenTelemetry brings it; nothing here needs it to run
    from typing_extensions import Unpack

_log = logging.getLogger("spanledger")

Amount = str | int | float | Decimal
Outcome = Literal["success", "failure", "partial"]
Verdict = Literal["acceptable", "wrong", "hallucinated"]

_OUTCOMES: Final = ("success", "failure", "partial")
_VERDICTS: Final = ("acceptable", "wrong", "hallucinated")
_CURRENCY_LETTERS: Final = 3
#: Twelve digits before the point and twelve behind it: what the ledger's columns hold exactly.
_LIMIT: Final = Decimal(10) ** 15
_DECIMALS: Final = 12


class About(TypedDict, total=False):
    """What every record may be given.

    Attributes:
        run_id, span_id, trace_id, external_key: the subject; none of them = the run around.
        record_id: names the record; the same name again amends it.
        reason: a few words of the application's own; never text of a prompt or an answer.
        at: when it happened, where that is not now (aware, or local time).
        tenant: on whose behalf, where the work around does not say.
    """

    run_id: str
    span_id: str
    trace_id: str
    external_key: str
    record_id: str
    reason: str
    at: datetime
    tenant: str


def record_revenue(amount: Amount, *, currency: str = "USD", **about: Unpack[About]) -> str:
    """What was earned with a run.

    Args:
        amount: in the currency; negative for a refund.
        currency: code of ISO 4217.
        about: see :class:`About`.

    Returns:
        The record's id, to amend it by; empty when it was left out (the log says why).
    """
    money = _money(semconv.REVENUE_AMOUNT, amount, semconv.REVENUE_CURRENCY, currency)
    return _record("revenue", money, about) or ""


def record_outcome(
    outcome: Outcome | bool,
    *,
    value: Amount | None = None,
    currency: str = "USD",
    **about: Unpack[About],
) -> str:
    """How a run ended for those it was made for.

    Args:
        outcome: ``success``, ``failure`` or ``partial``; True and False mean the first two.
        value: what the outcome is worth, where that is no revenue; in the currency.
        currency: code of ISO 4217.
        about: see :class:`About`.

    Returns:
        The record's id, to amend it by; empty when it was left out (the log says why).
    """
    told = ("failure", "success")[outcome] if isinstance(outcome, bool) else outcome
    attributes: dict[str, AttributeValue] | None = None
    if told in _OUTCOMES:
        attributes = {semconv.OUTCOME: told}
    else:
        _log.warning("outcome %r left out: it is one of %s", outcome, ", ".join(_OUTCOMES))
    if attributes is not None and value is not None:
        money = _money(semconv.VALUE_AMOUNT, value, semconv.VALUE_CURRENCY, currency)
        attributes = None if money is None else {**attributes, **money}
    return _record("outcome", attributes, about) or ""


def record_evaluation(
    verdict: Verdict | None = None,
    *,
    hallucinated: bool | None = None,
    name: str = "",
    score: float | None = None,
    label: str = "",
    **about: Unpack[About],
) -> str:
    """What a judge, a person or a check says of an answer.

    An answer judged ``wrong`` or ``hallucinated`` is rework: what it cost, and what was built on it
    later in its run. Name the call by ``span_id``; without, the whole run is judged.

    Args:
        verdict: ``acceptable``, ``wrong`` or ``hallucinated``.
        hallucinated: the same as a yes or no.
        name: of the evaluation.
        score: its number, in whatever scale.
        label: its word, in whatever scale.
        about: see :class:`About`.

    Returns:
        The record's id, to amend it by; empty when it was left out (the log says why).
    """
    if verdict is None and hallucinated is not None:
        verdict = "hallucinated" if hallucinated else "acceptable"
    attributes: dict[str, AttributeValue] | None = {
        key: _scope.clean(text)
        for key, text in (
            (semconv.EVALUATION_NAME, name),
            (semconv.EVALUATION_SCORE_LABEL, label),
            (semconv.EVALUATION_VERDICT, verdict or ""),
        )
        if text
    }
    if score is not None:
        attributes[semconv.EVALUATION_SCORE_VALUE] = float(score)
    if (verdict is not None and verdict not in _VERDICTS) or not attributes:
        _log.warning(
            "evaluation left out: give a verdict (one of %s), a score or a label, not %r",
            ", ".join(_VERDICTS),
            verdict,
        )
        attributes = None
    return _record("evaluation", attributes, about) or ""


def record_cost(
    amount: Amount, *, currency: str = "USD", category: str = "", **about: Unpack[About]
) -> str:
    """An expense of a run that no price book knows: a paid API, a message, a courier.

    Args:
        amount: in the currency; negative for a credit.
        currency: code of ISO 4217.
        category: what was paid for.
        about: see :class:`About`.

    Returns:
        The record's id, to amend it by; empty when it was left out (the log says why).
    """
    money = _money(semconv.EXPENSE_AMOUNT, amount, semconv.EXPENSE_CURRENCY, currency)
    if money is not None and category:
        money = {**money, semconv.EXPENSE_CATEGORY: _scope.clean(category)}
    return _record("expense", money, about) or ""


def record_effort(minutes: Amount, *, role: str = "reviewer", **about: Unpack[About]) -> str:
    """Time that a person spent on a run; what a minute of that role costs is in the price book.

    Args:
        minutes: of work.
        role: whose minute.
        about: see :class:`About`.

    Returns:
        The record's id, to amend it by; empty when it was left out (the log says why).
    """
    told = _exact(minutes)
    if told is None or told < 0:
        _log.warning("effort %r left out: give minutes, 0 or more", minutes)
        return ""
    effort = {semconv.EFFORT_MINUTES: f"{told:f}", semconv.EFFORT_ROLE: _scope.clean(role)}
    return _record("effort", effort, about) or ""


def _exact(amount: Amount) -> Decimal | None:
    """The number as the ledger can hold it, or None."""
    try:
        told = Decimal(str(amount).strip())
    except InvalidOperation:
        return None
    if not told.is_finite() or abs(told) >= _LIMIT:
        return None
    return None if told != round(told, _DECIMALS) else told


def _money(
    amount_key: str, amount: Amount, currency_key: str, currency: str
) -> dict[str, AttributeValue] | None:
    told, code = _exact(amount), currency.strip().upper()
    if told is None:
        _log.warning(
            "amount %r left out: give a decimal number below %s with at most %d decimals",
            amount,
            f"{_LIMIT:,}",
            _DECIMALS,
        )
        return None
    if len(code) != _CURRENCY_LETTERS or not (code.isascii() and code.isalpha()):
        _log.warning("amount in %r left out: a currency is a code of three letters", currency)
        return None
    return {amount_key: f"{told:f}", currency_key: code}


_SUBJECT: Final[Mapping[str, str]] = {
    "trace_id": semconv.SUBJECT_TRACE_ID,
    "run_id": semconv.SUBJECT_RUN_ID,
    "span_id": semconv.SUBJECT_SPAN_ID,
    "external_key": semconv.SUBJECT_EXTERNAL_KEY,
}


@guarded(None)
def _record(kind: str, attributes: Mapping[str, AttributeValue] | None, about: About) -> str | None:
    """Write the span of a record; gives its id."""
    if attributes is None:
        return None
    named = {key: _scope.clean(about.get(name) or "") for name, key in _SUBJECT.items()}
    subject = {key: value for key, value in named.items() if value}
    if semconv.SUBJECT_SPAN_ID in subject and semconv.SUBJECT_TRACE_ID not in subject:
        _log.warning("%s about a span left out: name its trace_id too", kind)
        return None
    told: dict[str, AttributeValue] = {
        semconv.OPERATION_NAME: semconv.OPERATION_RECORD,
        **attributes,
        **subject,
    }
    for name, key in (
        ("record_id", semconv.RECORD_ID),
        ("reason", semconv.RECORD_REASON),
        ("tenant", semconv.TENANT_ID),
    ):
        if about.get(name):
            told[key] = _scope.clean(about.get(name))
    at = about.get("at")
    at_ns = None if at is None else int(at.timestamp()) * 1_000_000_000 + at.microsecond * 1000
    # A record about something else is no part of the work around it.
    span = _scope.tracer().start_span(
        f"{semconv.OPERATION_RECORD} {kind}",
        Context() if subject else None,
        attributes=told,
        start_time=at_ns,
    )
    span.end(at_ns)
    given = told.get(semconv.RECORD_ID)
    return str(given) if given else trace.format_span_id(span.get_span_context().span_id)
