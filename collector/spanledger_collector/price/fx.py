"""What other currencies are worth in USD, by the day, as rows of the table ``fx``."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from spanledger_collector.errors import ConfigurationError

from .document import FxRate
from .gpu_hours import GpuHour
from .row import OPEN_END

#: How long a rate holds that is followed by no other: weekends and holidays, not months.
_LIFE = timedelta(days=7)
#: What the column holds.
_DECIMALS = 12
#: Begins the name of what is no currency of a state: an hour of one GPU.
GPU_HOUR = "GPU-HOUR"


@dataclass(frozen=True, slots=True)
class FxRow:
    """USD for one unit of a currency, in a window, since when known.

    Of several that hold at an instant, the one with the latest ``valid_from`` is taken.
    """

    currency: str
    valid_from: datetime
    valid_to: datetime
    known_from: datetime
    usd: Decimal
    source_url: str


def fx_rows(rates: Iterable[FxRate]) -> list[FxRow]:
    """Written rates as rows.

    Raises:
        ConfigurationError: a rate is zero, has too many decimals, is for USD, ends before it
            starts, or two say something else of the same day.
    """
    found: dict[tuple[str, datetime, datetime], FxRow] = {}
    for rate in rates:
        row = FxRow(
            rate.currency,
            rate.valid_from,
            rate.valid_to or rate.valid_from + _LIFE,
            rate.known_from or rate.valid_from,
            rate.usd,
            rate.source_url,
        )
        _check(row)
        other = found.setdefault((row.currency, row.valid_from, row.known_from), row)
        if other != row:
            raise ConfigurationError(
                f"two rates of {row.currency} for {row.valid_from:%Y-%m-%d}: {other.usd:f} and "
                f"{row.usd:f} USD; give the correction a later known_from"
            )
    return list(found.values())


def gpu_hour_rows(hours: Iterable[GpuHour]) -> list[FxRow]:
    """Hours of GPUs as rows: a run of training that names no rate is booked in hours of its device.

    The currency is ``GPU-HOUR`` and the device (or pool) in capitals; one that costs nothing has no
    row, as no rate can be 0.
    """
    return [
        FxRow(
            f"{GPU_HOUR} {hour.gpu.upper()}",
            hour.valid_from,
            hour.valid_to or OPEN_END,
            hour.known_from or hour.valid_from,
            hour.usd.quantize(Decimal(1).scaleb(-_DECIMALS)),
            hour.source_url,
        )
        for hour in hours
        if hour.usd
    ]


def _check(row: FxRow) -> None:
    name = f"the rate of {row.currency} for {row.valid_from:%Y-%m-%d}"
    exponent = row.usd.as_tuple().exponent
    if row.currency == "USD" or not row.usd:
        raise ConfigurationError(f"{name} cannot be {row.usd:f} USD; give USD for one unit of it")
    if isinstance(exponent, int) and -exponent > _DECIMALS:
        raise ConfigurationError(f"{name} has more than {_DECIMALS} decimals; round it")
    if row.valid_to <= row.valid_from:
        raise ConfigurationError(f"{name} ends before it starts; give a later valid_to")
