"""How a record is written: one short span with exact amounts, a subject and a name.

Shared by :mod:`spanledger.records` and :mod:`spanledger.assets`.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from datetime import datetime, timezone
from decimal import Decimal, InvalidOperation
from typing import Final, TypedDict

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.util.types import AttributeValue

from spanledger import semconv
from spanledger._guard import guarded
from spanledger._work import scope
from spanledger._work.past_sampling import WAY

_log = logging.getLogger("spanledger")

Amount = str | int | float | Decimal

_CURRENCY_LETTERS: Final = 3
#: What the ledger's columns hold exactly, with room for sums.
_LIMIT: Final = Decimal(10) ** 15
_DECIMALS: Final = 12


class About(TypedDict, total=False):
    """What every record may be given.

    Attributes:
        run_id, span_id, trace_id, external_key: the subject; none of them = the run around.
        record_id: names the record; the same name again amends it.
        reason: a few words of the application's own; never text of a prompt or an answer.
        at: when it happened, where that is not now (aware, or local time). When it was
            said is told beside it, for amendments.
        tenant: on whose behalf, where the work around does not say.
        purpose: of an expense or effort, where that is not the work around it: ``appraisal``,
            ``prevention`` or ``work``.
    """

    run_id: str
    span_id: str
    trace_id: str
    external_key: str
    record_id: str
    reason: str
    at: datetime
    tenant: str
    purpose: scope.Purpose


def exact(amount: Amount) -> Decimal | None:
    """The number as the ledger can hold it, or None."""
    try:
        told = Decimal(str(amount).strip())
    except InvalidOperation:
        return None
    if not told.is_finite() or abs(told) >= _LIMIT:
        return None
    return None if told != round(told, _DECIMALS) else told


def money_of(
    amount_key: str, amount: Amount, currency_key: str, currency: str
) -> dict[str, AttributeValue] | None:
    told, code = exact(amount), currency.strip().upper()
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


def moment(at_ns: int) -> str:
    """A time as a record says it: ISO 8601 in UTC, to the nanosecond."""
    seconds, ns = divmod(at_ns, 10**9)
    return f"{datetime.fromtimestamp(seconds, timezone.utc):%Y-%m-%dT%H:%M:%S}.{ns:09d}Z"


#: Kind of the first record about nothing, once it was told.
_told_of_nothing: Final[list[str]] = []

_SUBJECT: Final[Mapping[str, str]] = {
    "trace_id": semconv.SUBJECT_TRACE_ID,
    "run_id": semconv.SUBJECT_RUN_ID,
    "span_id": semconv.SUBJECT_SPAN_ID,
    "external_key": semconv.SUBJECT_EXTERNAL_KEY,
}


@guarded(None)
def write(
    kind: str,
    attributes: Mapping[str, AttributeValue] | None,
    about: About,
    *,
    apart: bool = False,
) -> str | None:
    """Write the span of a record.

    Args:
        kind: for the name of the span.
        attributes: what is told; None = nothing.
        about: subject, id and the rest.
        apart: the record is not about the work around it, also where it names no subject.

    Returns:
        The record's id; None when nothing was told.
    """
    if attributes is None:
        return None
    named = {key: scope.clean(about.get(name) or "") for name, key in _SUBJECT.items()}
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
        ("purpose", semconv.PURPOSE),
    ):
        if about.get(name):
            told[key] = scope.clean(about.get(name))
    at = about.get("at")
    at_ns = None if at is None else int(at.timestamp()) * 1_000_000_000 + at.microsecond * 1000
    if at_ns is not None:
        told[semconv.RECORD_RECORDED_AT] = moment(time.time_ns())
    if not (subject or apart):
        _warn_of_nothing(kind)
    # A record about something else is no part of the work around it.
    context = Context() if subject or apart else None
    span_id = _tell(f"{semconv.OPERATION_RECORD} {kind}", context, told, at_ns)
    given = told.get(semconv.RECORD_ID)
    return str(given) if given else trace.format_span_id(span_id)


def _warn_of_nothing(kind: str) -> None:
    """Say, once a process, that a record is about nothing: outside of any span, no run is around.

    It is written all the same: the collector tells of it among the records of no run.
    """
    if scope.current_run_id() or trace.get_current_span().get_span_context().is_valid:
        return
    if not _told_of_nothing:
        _told_of_nothing.append(kind)
        _log.warning(
            "%s is about nothing: no run is around it and it names none, so it will be in no sum; "
            "give external_key, run_id or trace_id. Further ones are not told.",
            kind,
        )


def _tell(
    name: str, context: Context | None, told: Mapping[str, AttributeValue], at_ns: int | None
) -> int:
    """Make the span, past a sampler that leaves it out; returns its id."""
    context_of_span = trace.INVALID_SPAN_CONTEXT
    for tracer in (scope.tracer(), WAY.tracer):
        if tracer is None:
            break
        span = tracer.start_span(name, context, attributes=told, start_time=at_ns)
        span.end(at_ns)
        context_of_span = span.get_span_context()
        if context_of_span.trace_flags.sampled:
            break
    return context_of_span.span_id
