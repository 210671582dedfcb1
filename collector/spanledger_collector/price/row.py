"""One dated price, as it stands in the book and in the table ``prices``.

Rates of the token buckets are exact decimals in USD per single token: a rate published per million
tokens is divided exactly, 24 decimals hold every rate known today. Other units keep the form in
which they are published, USD for so many: $0.111 an hour has no finite decimal a second. A missing
rate is ``None``, or a unit left out: the book does not say, which is never the same as free.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from decimal import Decimal
from typing import NamedTuple

#: ``valid_to`` of a price that has no known end.
OPEN_END = datetime(2299, 12, 31, tzinfo=timezone.utc)
#: ``valid_from`` of a price whose source gives no start; ``upstream`` then ends with the mark.
UNDATED_START = datetime(2020, 1, 1, tzinfo=timezone.utc)
START_UNKNOWN = "; start unknown"
_ID_HEX_DIGITS = 32

#: What a price row is looked up by: provider, model, service tier, region.
PriceKey = tuple[str, str, str, str]
#: Minutes of the week, counted from Monday 00:00 UTC: [from, until) pairs in order; empty = always.
Hours = tuple[tuple[int, int], ...]
#: What a later row of the book replaces: the key, the long-context threshold, the hours, the start.
RowKey = tuple[str, str, str, str, int, Hours, datetime]


class UnitRate(NamedTuple):
    """USD for so many of a unit: ``(10, 1000)`` is $10 for a thousand."""

    usd: Decimal
    per: int


@dataclass(frozen=True, slots=True)
class Rates:
    """What is charged in USD; ``None``, or a unit left out = the book has no such rate.

    The names of the first ones are columns of ``prices``. ``units`` holds everything else: parts
    of the buckets with a rate of their own (``audio_input``, ``image_output``, ``reasoning``), and
    what is billed beside tokens (``web_searches``, ``audio_seconds``, ``images.hd.1024x1024``).
    ``images.*`` is the rate of any kind of that unit which has none of its own.
    """

    input_usd_per_token: Decimal | None = None
    cache_read_usd_per_token: Decimal | None = None
    cache_write_5m_usd_per_token: Decimal | None = None
    cache_write_1h_usd_per_token: Decimal | None = None
    output_usd_per_token: Decimal | None = None
    units: Mapping[str, UnitRate] = field(default_factory=dict[str, UnitRate], hash=False)

    def values(self) -> tuple[Decimal | None, ...]:
        """The rates of the token buckets in the order of :data:`RATE_NAMES`."""
        return tuple(getattr(self, name) for name in RATE_NAMES)

    def __bool__(self) -> bool:
        """Does the book know any rate?"""
        return bool(self.units) or any(rate is not None for rate in self.values())

    def amounts(self) -> Iterator[Decimal]:
        """Every amount that is known."""
        yield from (rate for rate in self.values() if rate is not None)
        yield from (rate.usd for rate in self.units.values())


#: Names of the rates of the token buckets, in the order of the book's columns.
RATE_NAMES: tuple[str, ...] = (
    "input_usd_per_token",
    "cache_read_usd_per_token",
    "cache_write_5m_usd_per_token",
    "cache_write_1h_usd_per_token",
    "output_usd_per_token",
)


@dataclass(frozen=True, slots=True)
class PriceRow:
    """One row of ``prices``: rates, and when they are valid and known.

    Attributes:
        provider: who bills, in the book's spelling.
        model: the book's name of the model.
        service_tier: empty = standard, else ``batch``, ``flex``, ``priority``, ``fast``.
        context_over_tokens: the row prices the whole request when its total input (cached tokens
            included) is *greater* than this; 0 = base row.
        valid_from: first instant the price holds.
        valid_to: first instant it does not; :data:`OPEN_END` = no end known. Equal to
            ``valid_from`` = withdrawn: the row was a mistake.
        known_from: since when we know.
        rates: USD per token, or for so many of a unit.
        source_url: where the provider publishes it.
        upstream: whose data this row is.
        currency: ISO 4217; rates are in it.
        region: where inference runs, for prices that depend on it; ``*`` = any region told but
            ``global``; empty = anywhere.
        hours: the price holds in these minutes of the week only; empty = always.
    """

    provider: str
    model: str
    service_tier: str
    context_over_tokens: int
    valid_from: datetime
    valid_to: datetime
    known_from: datetime
    rates: Rates
    source_url: str
    upstream: str
    currency: str = "USD"
    region: str = ""
    hours: Hours = ()

    @property
    def key(self) -> PriceKey:
        """Provider, model, tier, region."""
        return (self.provider, self.model, self.service_tier, self.region)

    @property
    def row_key(self) -> RowKey:
        """What a later row with the same value replaces."""
        return (*self.key, self.context_over_tokens, self.hours, self.valid_from)

    @property
    def price_id(self) -> str:
        """Hash of everything the row says: what a priced attempt names."""
        text = "\x1f".join(self._texts())
        return hashlib.sha256(text.encode()).hexdigest()[:_ID_HEX_DIGITS]

    def says_the_same(self, other: "PriceRow") -> bool:
        """Are the two the same statement about the same key, whenever and wherever learned?"""
        return (self.row_key, self.valid_to, self.rates, self.currency) == (
            other.row_key,
            other.valid_to,
            other.rates,
            other.currency,
        )

    def _texts(self) -> Iterator[str]:
        yield from self.key[:3]
        yield str(self.context_over_tokens)
        for instant in (self.valid_from, self.valid_to, self.known_from):
            yield instant.isoformat()
        for rate in self.rates.values():
            yield "" if rate is None else decimal_text(rate)
        for unit, (usd, per) in sorted(self.rates.units.items()):
            yield f"{unit} {decimal_text(usd)}/{per}"
        yield from (self.currency, self.source_url, self.upstream)
        # Left out where there is none, so that rows without them keep the id they always had.
        if self.region or self.hours:
            yield f"{self.region} {self.hours}"


def hours_overlap(one: Hours, other: Hours) -> bool:
    """Is there a minute of the week in both? Empty hours are all of them."""
    if not one or not other:
        return True
    return any(a < d and c < b for a, b in one for c, d in other)


def decimal_text(value: Decimal) -> str:
    """The shortest plain notation of an exact decimal: ``0.000000075``, never ``7.5E-8``."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
