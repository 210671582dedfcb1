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

A record with the ``record_id`` of an earlier one of its kind amends it: the one said last counts,
in whatever order they arrive, and all are kept. Amounts are exact: give text, a ``Decimal`` or an
integer; a float counts as its shortest text. What cannot be used is logged and left out; no
function raises into the application.
"""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING, Final, Literal

from opentelemetry import trace
from opentelemetry.util.types import AttributeValue

from spanledger import semconv
from spanledger._guard import guarded
from spanledger._work import scope
from spanledger._work.recording import About, Amount, exact, money_of, write

if TYPE_CHECKING:  # the API of OpenTelemetry brings it; nothing here needs it to run
    from typing_extensions import Unpack

_log = logging.getLogger("spanledger")

Outcome = Literal["success", "failure", "partial"]
Verdict = Literal["acceptable", "wrong", "hallucinated"]

_UNIT_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")
_UNIT_DECIMALS: Final = 6
_OUTCOMES: Final = ("success", "failure", "partial")
_VERDICTS: Final = ("acceptable", "wrong", "hallucinated")


def record_revenue(amount: Amount, *, currency: str = "USD", **about: Unpack[About]) -> str:
    """What was earned with a run.

    Args:
        amount: in the currency; negative for a refund.
        currency: code of ISO 4217.
        about: see :class:`About`.

    Returns:
        The record's id, to amend it by; empty when it was left out (the log says why).
    """
    money = money_of(semconv.REVENUE_AMOUNT, amount, semconv.REVENUE_CURRENCY, currency)
    return write("revenue", money, about) or ""


def record_outcome(
    outcome: Outcome | bool,
    *,
    value: Amount | None = None,
    currency: str = "USD",
    quantity: Amount | None = None,
    unit: str = "",
    **about: Unpack[About],
) -> str:
    """How a run ended for those it was made for.

    Args:
        outcome: ``success``, ``failure`` or ``partial``; True and False mean the first two.
        value: what the outcome is worth, where that is no revenue; in the currency.
        currency: code of ISO 4217.
        quantity: how much of a unit it achieved: what that is worth may stand in the collector's
            value rules.
        unit: its name: ``tickets``, ``minutes_saved``.
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
        money = money_of(semconv.VALUE_AMOUNT, value, semconv.VALUE_CURRENCY, currency)
        attributes = None if money is None else {**attributes, **money}
    if attributes is not None and (quantity is not None or unit):
        achieved = _achieved(quantity, unit)
        attributes = None if achieved is None else {**attributes, **achieved}
    return write("outcome", attributes, about) or ""


def _achieved(quantity: Amount | None, unit: str) -> dict[str, AttributeValue] | None:
    told = exact(quantity) if quantity is not None else None
    if told is None or told != round(told, _UNIT_DECIMALS) or not _UNIT_NAME.fullmatch(unit):
        _log.warning(
            "outcome of %r %r left out: give a number with at most %d decimals and a unit of "
            "a-z 0-9 _",
            quantity,
            unit,
            _UNIT_DECIMALS,
        )
        return None
    return {semconv.OUTCOME_QUANTITY: f"{told:f}", semconv.OUTCOME_UNIT: unit}


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
        key: scope.clean(text)
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
    return write("evaluation", attributes, about) or ""


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
    money = money_of(semconv.EXPENSE_AMOUNT, amount, semconv.EXPENSE_CURRENCY, currency)
    if money is not None and category:
        money = {**money, semconv.EXPENSE_CATEGORY: scope.clean(category)}
    return write("expense", money, about) or ""


def record_effort(minutes: Amount, *, role: str = "reviewer", **about: Unpack[About]) -> str:
    """Time that a person spent on a run; what a minute of that role costs is in the price book.

    Args:
        minutes: of work.
        role: whose minute.
        about: see :class:`About`.

    Returns:
        The record's id, to amend it by; empty when it was left out (the log says why).
    """
    told = exact(minutes)
    if told is None or told < 0:
        _log.warning("effort %r left out: give minutes, 0 or more", minutes)
        return ""
    effort = {semconv.EFFORT_MINUTES: f"{told:f}", semconv.EFFORT_ROLE: scope.clean(role)}
    return write("effort", effort, about) or ""


@guarded(None)
def mark_retry(of: str, *, reason: str = "") -> None:
    """Say that the work around (agent, workflow, task, tool) does earlier work of its trace again.

    What the earlier work cost, with all below it, is rework then; this one costs what it costs.
    Call it directly inside the later work. What is repeated in another trace is not recognised:
    judge the earlier run there, ``record_evaluation("wrong", run_id=...)``.

    Args:
        of: the earlier run, as :func:`spanledger.current_run_id` gave it inside that run; or the id
            of the earlier span (16 hex digits), such as of a task.
        reason: why its result is thrown away, where it did not fail: a word of your own. Without,
            the reason is ``application_retry``.
    """
    span, named = trace.get_current_span(), scope.clean(of or "")
    if not named or not span.is_recording():
        _log.warning("retry of %r left out: name a run, inside the work that does it again", of)
        return
    if reason:
        span.set_attribute(semconv.REWORK_OF, named)
        span.set_attribute(semconv.REWORK_REASON, scope.clean(reason))
    else:
        span.set_attribute(semconv.RETRY_OF, named)
