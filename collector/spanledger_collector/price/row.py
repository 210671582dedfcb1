"""One dated price, as it stands in the book and in the table ``prices``.

Rates are exact decimals in USD per single token (or request): a rate published per million tokens
is divided exactly, 24 decimals hold every rate known today. A missing rate is ``None``: the book
does not say, which is never the same as free.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import datetime, timezone
from decimal import Decimal

#: ``valid_to`` of a price that has no known end.
OPEN_END = datetime(2299, 12, 31, tzinfo=timezone.utc)
#: ``valid_from`` of a price whose source gives no start; ``upstream`` then ends with the mark.
UNDATED_START = datetime(2020, 1, 1, tzinfo=timezone.utc)
START_UNKNOWN = "; start unknown"
_ID_HEX_DIGITS = 32

#: What a price row is looked up by: provider, model, service tier.
PriceKey = tuple[str, str, str]
#: What a later row of the book replaces: the key, the long-context threshold and the start.
RowKey = tuple[str, str, str, int, datetime]


@dataclass(frozen=True, slots=True)
class Rates:
    """What one unit costs in USD; ``None`` = the book has no such rate.

    The names are the columns of ``prices``.
    """

    input_usd_per_token: Decimal | None = None
    cache_read_usd_per_token: Decimal | None = None
    cache_write_5m_usd_per_token: Decimal | None = None
    cache_write_1h_usd_per_token: Decimal | None = None
    output_usd_per_token: Decimal | None = None
    audio_input_usd_per_token: Decimal | None = None
    audio_output_usd_per_token: Decimal | None = None
    web_search_usd_per_request: Decimal | None = None

    def values(self) -> tuple[Decimal | None, ...]:
        """The rates in the order of :data:`RATE_NAMES`."""
        return tuple(getattr(self, name) for name in RATE_NAMES)

    def __bool__(self) -> bool:
        """Does the book know any rate?"""
        return any(rate is not None for rate in self.values())


#: Names of the rates, in the order of the book's columns.
RATE_NAMES: tuple[str, ...] = tuple(field.name for field in fields(Rates))


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
        rates: USD per token or request.
        source_url: where the provider publishes it.
        upstream: whose data this row is.
        currency: ISO 4217.
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

    @property
    def key(self) -> PriceKey:
        """Provider, model, tier."""
        return (self.provider, self.model, self.service_tier)

    @property
    def row_key(self) -> RowKey:
        """What a later row with the same value replaces."""
        return (*self.key, self.context_over_tokens, self.valid_from)

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
        yield from self.key
        yield str(self.context_over_tokens)
        for instant in (self.valid_from, self.valid_to, self.known_from):
            yield instant.isoformat()
        for rate in self.rates.values():
            yield "" if rate is None else decimal_text(rate)
        yield from (self.currency, self.source_url, self.upstream)


def decimal_text(value: Decimal) -> str:
    """The shortest plain notation of an exact decimal: ``0.000000075``, never ``7.5E-8``."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
