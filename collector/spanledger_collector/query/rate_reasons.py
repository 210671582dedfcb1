"""Why a price row has the rates it has: hours, region, currency, the list price of a contract.

Only what differs from the plain case is told: a price for every hour and place, in USD, as listed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final

from .explained_rows import ChargeLineRow, ExplainedAttemptRow

_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_DAY_MINUTES: Final = 1440
#: A factor is given with fewer digits than this; more come from the rounding of a currency.
_FACTOR: Final = Decimal(1).scaleb(-12)


def rate_reasons(a: ExplainedAttemptRow, lines: Sequence[ChargeLineRow]) -> Iterator[str]:
    """In words, one line each, in the order in which a person applies them."""
    if a.hour_minutes:
        yield _hours(a)
    if a.region or a.price_region:
        yield _region(a)
    if a.list_price_id:
        yield _contract(a, lines)
    if a.currency not in ("", "USD"):
        yield _currency(a)


def _hours(a: ExplainedAttemptRow) -> str:
    now = _minute(a.started_at)
    pairs = list(zip(a.hour_minutes[::2], a.hour_minutes[1::2], strict=True))
    start, end = next((one for one in pairs if one[0] <= now < one[1]), pairs[0])
    return (
        f"hours: rates of {_clock(start)} to {_clock(end)} UTC, one of the row's {len(pairs)} "
        f"windows of the week; the call started {_clock(now)}"
    )


def _region(a: ExplainedAttemptRow) -> str:
    if a.price_region == "*":
        return f"region: {a.region} was told; rates of any region"
    if a.price_region:
        return f"region: {a.region} was told and has rates of its own"
    return f"region: {a.region} was told and has no rates of its own; those of anywhere"


def _contract(a: ExplainedAttemptRow, lines: Sequence[ChargeLineRow]) -> str:
    listed = {
        "input": a.list_input_rate,
        "cache_read": a.list_cache_read_rate,
        "cache_write_5m": a.list_cache_write_5m_rate,
        "cache_write_1h": a.list_cache_write_1h_rate,
        "output": a.list_output_rate,
    }
    currency = a.currency or "USD"
    steps: list[str] = []
    for line in lines:
        rate = listed.get(line.unit)
        if rate and line.rate_usd is not None and a.usd_per_currency:
            factor = (line.rate_usd / a.usd_per_currency / rate).quantize(_FACTOR).normalize()
            steps.append(f"{line.unit} {rate.normalize():f} {currency} x {factor:f}")
    redone = f": {', '.join(steps)}" if steps else ""
    source = f", source: {a.list_source_url}" if a.list_source_url else ""
    return f"adjusted ({a.adjusted_by}) from the list price, row {a.list_price_id}{source}{redone}"


def _currency(a: ExplainedAttemptRow) -> str:
    if not a.usd_per_currency:
        return f"currency: the rates are in {a.currency}, of which the book has no rate of the day"
    return (
        f"currency: the rates are in {a.currency}; 1 {a.currency} = "
        f"${a.usd_per_currency.normalize():f}, the rate of {a.fx_valid_from:%Y-%m-%d}, known from "
        f"{a.fx_known_from:%Y-%m-%d}, source: {a.fx_source_url or 'the operator'}; the lines are "
        "in USD"
    )


def _minute(moment: datetime) -> int:
    return moment.weekday() * _DAY_MINUTES + moment.hour * 60 + moment.minute


def _clock(minute: int) -> str:
    day, rest = divmod(minute, _DAY_MINUTES)
    return f"{_DAYS[day % 7]} {rest // 60:02}:{rest % 60:02}"
