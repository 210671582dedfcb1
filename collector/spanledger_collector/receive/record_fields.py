"""A record as JSON says it -> the attributes of the span that tells it, or the reason why not.

The fields and what they may hold are those of the SDK's ``record_*`` functions; a record that
comes by itself has to say what it is about. Nothing is cut or guessed: what the ledger could not
keep as it was sent is refused.
"""

import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta, timezone
from decimal import Decimal, InvalidOperation
from typing import Final

from spanledger import semconv

#: Longest text, in bytes of UTF-8: what the ledger keeps of an attribute.
MAX_TEXT_BYTES: Final = 256
_LIMIT: Final = Decimal(10) ** 15
_MONEY_DECIMALS: Final = 12
_MINUTES_DECIMALS: Final = 6
_PURPOSES: Final = ("work", "appraisal", "prevention")
#: Earlier times are taken for mistakes, as for any span.
_EARLIEST: Final = datetime(2020, 1, 1, tzinfo=timezone.utc)
_FUTURE: Final = timedelta(days=1)
_TRACE_ID, _SPAN_ID = re.compile(r"[0-9a-f]{32}"), re.compile(r"[0-9a-f]{16}")

Attributes = dict[str, str | float]


class FlawError(ValueError):
    """A record that cannot be stored; the message says why, to whoever wrote it."""


def text(value: object) -> str:
    """A text of at most 256 bytes on one line; numbers are taken as they are written."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise FlawError("give text")
    told = str(value).strip()
    if not told.isprintable():
        raise FlawError("it holds a line break or another character that cannot be printed")
    if len(told.encode()) > MAX_TEXT_BYTES:
        raise FlawError(f"it is longer than {MAX_TEXT_BYTES} bytes")
    return told


def number(value: object, decimals: int) -> Decimal:
    """A finite number below 10^15 with at most so many decimals."""
    try:
        told = Decimal(text(value))
    except InvalidOperation:
        raise FlawError(f"{value!r} is no decimal number") from None
    if not told.is_finite() or abs(told) >= _LIMIT:
        raise FlawError(f"give a number below {_LIMIT:,}")
    if told != round(told, decimals):
        raise FlawError(f"it has more than {decimals} decimals")
    return told


def amount(value: object) -> str:
    """Money, exact."""
    return f"{number(value, _MONEY_DECIMALS):f}"


def _minutes(value: object) -> str:
    minutes = number(value, _MINUTES_DECIMALS)
    if minutes < 0:
        raise FlawError("give 0 minutes or more")
    return f"{minutes:f}"


def _quantity(value: object) -> str:
    return f"{number(value, _MINUTES_DECIMALS):f}"


def _unit(value: object) -> str:
    told = text(value)
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,63}", told):
        raise FlawError(f"{value!r} is no unit: give a word of a-z 0-9 _")
    return told


def _score(value: object) -> float:
    try:
        told = float(text(value))
    except ValueError as error:
        raise FlawError(f"{value!r} is no number") from error
    if told - told != 0:
        raise FlawError("give a finite number")
    return told


def currency(value: object) -> str:
    """A code of ISO 4217."""
    code = text(value).upper()
    if not re.fullmatch(r"[A-Z]{3}", code):
        raise FlawError(f"{value!r} is no currency: give the three letters of ISO 4217")
    return code


def one_of(*words: str) -> Callable[[object], str]:
    """A reader of one of these words."""

    def read(value: object) -> str:
        told = text(value).lower()
        if told not in words:
            raise FlawError(f"{value!r} is none of {', '.join(words)}")
        return told

    return read


def _identifier(pattern: re.Pattern[str], digits: int) -> Callable[[object], str]:
    def read(value: object) -> str:
        told = text(value).lower()
        if not pattern.fullmatch(told) or not told.strip("0"):
            raise FlawError(f"{value!r} has not {digits} hex digits")
        return told

    return read


def _recorded_at(value: object) -> str:
    return f"{_time(value).astimezone(timezone.utc):%Y-%m-%dT%H:%M:%S.%f}Z"


def instant(at_ns: int) -> str:
    """Nanoseconds since 1970 as the SDK writes them: ISO 8601 in UTC, none of them lost."""
    seconds, ns = divmod(at_ns, 10**9)
    return f"{datetime.fromtimestamp(seconds, timezone.utc):%Y-%m-%dT%H:%M:%S}.{ns:09d}Z"


#: Reads one field; raises :class:`FlawError`.
Read = Callable[[object], str | float]
_Fields = Mapping[str, tuple[str, Read]]

#: Fields of every record: name -> (attribute, how it is read).
COMMON: Final[_Fields] = {
    "run_id": (semconv.SUBJECT_RUN_ID, text),
    "trace_id": (semconv.SUBJECT_TRACE_ID, _identifier(_TRACE_ID, 32)),
    "span_id": (semconv.SUBJECT_SPAN_ID, _identifier(_SPAN_ID, 16)),
    "external_key": (semconv.SUBJECT_EXTERNAL_KEY, text),
    "record_id": (semconv.RECORD_ID, text),
    "reason": (semconv.RECORD_REASON, text),
    "tenant": (semconv.TENANT_ID, text),
    "recorded_at": (semconv.RECORD_RECORDED_AT, _recorded_at),
}
#: Kind of record -> its own fields; of the required ones one is enough.
KINDS: Final[Mapping[str, _Fields]] = {
    "revenue": {
        "amount": (semconv.REVENUE_AMOUNT, amount),
        "currency": (semconv.REVENUE_CURRENCY, currency),
    },
    "outcome": {
        "outcome": (semconv.OUTCOME, one_of("success", "failure", "partial")),
        "amount": (semconv.VALUE_AMOUNT, amount),
        "currency": (semconv.VALUE_CURRENCY, currency),
        "quantity": (semconv.OUTCOME_QUANTITY, _quantity),
        "unit": (semconv.OUTCOME_UNIT, _unit),
    },
    "evaluation": {
        "verdict": (
            semconv.EVALUATION_VERDICT,
            one_of("acceptable", "wrong", "hallucinated"),
        ),
        "name": (semconv.EVALUATION_NAME, text),
        "score": (semconv.EVALUATION_SCORE_VALUE, _score),
        "label": (semconv.EVALUATION_SCORE_LABEL, text),
    },
    "expense": {
        "amount": (semconv.EXPENSE_AMOUNT, amount),
        "currency": (semconv.EXPENSE_CURRENCY, currency),
        "category": (semconv.EXPENSE_CATEGORY, text),
        "purpose": (semconv.PURPOSE, one_of(*_PURPOSES)),
    },
    "effort": {
        "minutes": (semconv.EFFORT_MINUTES, _minutes),
        "role": (semconv.EFFORT_ROLE, text),
        "purpose": (semconv.PURPOSE, one_of(*_PURPOSES)),
    },
}
_NEEDS: Final[Mapping[str, tuple[str, ...]]] = {
    "revenue": ("amount",),
    "outcome": ("outcome",),
    "evaluation": ("verdict", "score", "label"),
    "expense": ("amount",),
    "effort": ("minutes",),
}
_SUBJECTS: Final = ("run_id", "trace_id", "external_key")
_DEFAULT_ROLE: Final = "reviewer"


def _check_together(told: Mapping[str, object]) -> None:
    """Fields that need each other."""
    if not any(name in told for name in _SUBJECTS):
        raise FlawError(f"say what it is about: {', '.join(_SUBJECTS)}")
    if ("quantity" in told) != ("unit" in told):
        raise FlawError("a quantity needs its unit, and a unit its quantity")
    if "span_id" in told and "trace_id" not in told:
        raise FlawError("a span_id needs its trace_id too")


def attributes_of(kind: str, told: Mapping[str, object]) -> Attributes:
    """The attributes of a record's span.

    Args:
        kind: one of :data:`KINDS`.
        told: its fields without ``kind`` and ``at``, none of them empty.

    Raises:
        FlawError: a field is unknown, missing or cannot be used.
    """
    fields = COMMON | KINDS[kind]
    unknown = sorted(set(told) - set(fields))
    if unknown:
        raise FlawError(f"{kind} has no {', '.join(unknown)}; it has {', '.join(sorted(fields))}")
    if not any(name in told for name in _NEEDS[kind]):
        raise FlawError(f"{kind} needs {' or '.join(_NEEDS[kind])}")
    _check_together(told)
    result: Attributes = {semconv.OPERATION_NAME: semconv.OPERATION_RECORD}
    for name, value in told.items():
        key, read = fields[name]
        try:
            result[key] = read(value)
        except FlawError as error:
            raise FlawError(f"{name}: {error}") from None
    if kind == "effort":
        result.setdefault(semconv.EFFORT_ROLE, _DEFAULT_ROLE)
    return result


def moment_ns(value: object, now_ns: int) -> int:
    """``at`` as nanoseconds since 1970; a time without a zone is UTC.

    Raises:
        FlawError: it is no time, before 2020, or more than a day ahead.
    """
    try:
        at = _time(value)
    except FlawError as error:
        raise FlawError(f"at: {error}") from None
    now = datetime.fromtimestamp(now_ns / 1e9, timezone.utc)
    if not _EARLIEST <= at <= now + _FUTURE:
        raise FlawError(f"at: {value!r} is before {_EARLIEST:%Y} or in the future")
    return _ns(at)


def _time(value: object) -> datetime:
    try:
        # Python 3.10 does not read the Z of ISO 8601.
        at = datetime.fromisoformat(re.sub("[zZ]$", "+00:00", text(value)))
    except ValueError:
        raise FlawError(f"{value!r} is no time such as 2026-11-01T12:00:00Z") from None
    return at if at.tzinfo else at.replace(tzinfo=timezone.utc)


def _ns(at: datetime) -> int:
    since = at - datetime(1970, 1, 1, tzinfo=timezone.utc)
    return ((since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds) * 1000
