"""One line of a provider's bill, in the ledger's own words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timezone
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from spanledger_collector.errors import ConfigurationError

#: Units that share one total: input tokens move between these cache classes.
INPUT_CLASSES: Final = ("input", "cache_read", "cache_write_5m", "cache_write_1h")
#: A line that is not told apart by unit: only its cost can be compared.
WHOLE: Final = ""


@dataclass(frozen=True, slots=True)
class BillLine:
    """What a provider says of one day, model, service tier and unit.

    Attributes:
        day: the UTC day.
        provider: who bills, as spans name it.
        model: the model as the export names it; empty = not told by model.
        service_tier: empty = standard.
        unit: a unit of the price book (``input``, ``cache_read``, ``output``, ...); ``""`` = all.
        quantity: tokens or requests; None = the export has no quantities.
        cost_usd: None = the export has no cost.
    """

    day: date
    provider: str
    model: str
    service_tier: str
    unit: str
    quantity: Decimal | None
    cost_usd: Decimal | None


@dataclass(frozen=True, slots=True)
class Remark:
    """What of an export is not compared, or not wholly.

    Attributes:
        place: file and line, or file and day.
        said: what stands there.
        reason: what was not read of it, and why.
        cost_usd: the amount that is left out; None = none is.
    """

    place: str
    said: str
    reason: str
    cost_usd: Decimal | None = None


def number(fields: Mapping[str, Any], name: str) -> Decimal | None:
    """A number of an export; absent, null and empty are None.

    Raises:
        ValueError: it is no finite number.
    """
    value = fields.get(name)
    if value is None or value == "":
        return None
    try:
        found = Decimal(str(value).replace(",", ""))
    except InvalidOperation:
        found = Decimal("NaN")
    if not found.is_finite():
        raise ValueError(f"{name} = {value!r} is no number")
    return found


def word(fields: Mapping[str, Any], name: str) -> str:
    """A text of an export; absent and null are empty."""
    value = fields.get(name)
    return "" if value is None else str(value).strip()


def tier(value: str) -> str:
    """The service tier as the price book has it."""
    lowered = value.strip().lower()
    return "" if lowered in {"standard", "default", "auto", "on-demand"} else lowered


def day_of(value: object) -> date:
    """The UTC day of a Unix time or an ISO 8601 time.

    Raises:
        ValueError: it is neither.
    """
    return moment_of(value).date()


def moment_of(value: object) -> datetime:
    """A Unix time or an ISO 8601 time, in UTC; without a zone it is UTC.

    Raises:
        ValueError: it is neither.
    """
    if isinstance(value, int | float) and not isinstance(value, bool):
        return datetime.fromtimestamp(value, timezone.utc)
    text = str(value).strip()
    if text.endswith(("Z", "z")):
        text = text[:-1] + "+00:00"
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{value!r} is no date or time") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).astimezone(
        timezone.utc
    )


def in_usd(amount: Decimal | None, currency: str) -> Decimal | None:
    """The amount, which has to be in US dollars.

    Raises:
        ConfigurationError: it is in another currency.
    """
    if amount is not None and currency and currency.upper() != "USD":
        raise ConfigurationError(
            f"the export is in {currency.upper()}; the ledger is in USD. Export it in USD, or "
            "convert it at the rate of your invoice first"
        )
    return amount
