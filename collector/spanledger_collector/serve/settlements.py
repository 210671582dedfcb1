"""``POST /v1/settlements``: traces that are to be settled again, and which they are.

Body (``application/json``, so that no page of another origin can send it unasked)::

    {"workspace": "acme", "first_day": "2026-11-01", "last_day": "2026-11-30"}
    {"trace_id": "4bf92f3577b34da6a3ce929d0e0e4736"}

What is left out is every workspace, every trace, every day. The answer is ``{"traces": 12}``: so
many are settled by this collector, beside what arrives.
"""

from collections.abc import Callable
from datetime import date, datetime, time, timezone
from typing import Any, Final, NamedTuple, cast

import orjson

from spanledger_collector.errors import PermanentError
from spanledger_collector.query.named import check_period
from spanledger_collector.store.settle_requests import FIRST_DAY, LAST_DAY

_FIELDS: Final = ("workspace", "trace_id", "first_day", "last_day")
_JSON: Final = "application/json"


class Settlement(NamedTuple):
    """Which traces."""

    workspace: str
    trace_id: str
    first_day: date
    last_day: date


#: Has them settled again; gives how many they are.
Settle = Callable[[str, str, date, date], int]


def settlement_of(content_type: str, body: bytes) -> Settlement:
    """What a request asks for.

    Raises:
        PermanentError: it is not of the form above.
    """
    if content_type.partition(";")[0].strip().lower() != _JSON:
        raise PermanentError(f"send it as {_JSON}")
    try:
        told = orjson.loads(body or b"{}")
    except orjson.JSONDecodeError as error:
        raise PermanentError(f"the body is no JSON: {error}") from error
    if not isinstance(told, dict):
        raise PermanentError("the body is no JSON object")
    asked = cast("dict[str, Any]", told)
    unknown = sorted(set(asked) - set(_FIELDS))
    if unknown or not all(isinstance(value, str) for value in asked.values()):
        wrong = f"{', '.join(unknown)} is none" if unknown else "each is a text"
        raise PermanentError(f"{wrong} of {', '.join(_FIELDS)}")
    days = _day(asked, "first_day", FIRST_DAY), _day(asked, "last_day", LAST_DAY)
    first, last = (datetime.combine(day, time.min, timezone.utc) for day in days)
    check_period(first, last, ("first_day", "last_day"))
    return Settlement(asked.get("workspace", ""), asked.get("trace_id", "").lower(), *days)


def _day(asked: dict[str, Any], name: str, default: date) -> date:
    told = asked.get(name)
    try:
        day = date.fromisoformat(told) if told else default
    except ValueError:
        raise PermanentError(f"{name}: {told!r} is no day such as 2026-11-01") from None
    if not FIRST_DAY <= day <= LAST_DAY:
        raise PermanentError(f"{name}: {told!r} is no day that the ledger can have")
    return day
