"""A plain pricer over book rows, for the tests alone: what the SQL of settling must agree with.

It knows the rules, not the code under test: newest known row of each key, valid window, tier, the
highest threshold below the total input, disjoint buckets, a used unit without a rate is no answer.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from decimal import Decimal

from spanledger_collector.price import PriceRow


@dataclass(frozen=True)
class Usage:
    """What one call used: disjoint buckets of tokens, and units beside tokens."""

    input_uncached: int = 0
    cache_read: int = 0
    cache_write_5m: int = 0
    cache_write_1h: int = 0
    output: int = 0
    audio_input: int = 0
    audio_output: int = 0
    web_searches: int = 0
    audio_cache_read: int = 0
    image_input: int = 0
    image_output: int = 0
    audio_seconds: int = 0
    characters: int = 0
    search_units: int = 0

    @property
    def total_input(self) -> int:
        return (
            self.input_uncached
            + self.cache_read
            + self.cache_write_5m
            + self.cache_write_1h
            + self.audio_input
            + self.audio_cache_read
            + self.image_input
        )


@dataclass(frozen=True)
class Price:
    """The answer: a cost, or the units that have no rate, or no row at all."""

    parts: dict[str, Decimal]
    missing: tuple[str, ...] = ()
    row: PriceRow | None = None

    @property
    def cost(self) -> Decimal | None:
        if self.row is None or self.missing:
            return None
        return sum(self.parts.values(), Decimal(0))


#: Units that are no bucket of tokens, by the name they have in the book.
UNITS = (
    *("audio_input", "audio_output", "audio_cache_read", "image_input", "image_output"),
    *("web_searches", "audio_seconds", "characters", "search_units"),
)
#: Parts without a rate of their own that are billed at their bucket's rate.
_LIKE_TEXT = {"image_input": "input", "image_output": "output"}


def rows_at(
    rows: Iterable[PriceRow],
    tier: str,
    at: datetime,
    total_input: int,
    known_at: datetime,
    *,
    region: str = "",
) -> list[PriceRow]:
    """Rows of one model that could price a call; a sound book gives at most one a threshold."""
    newest: dict[tuple[object, ...], PriceRow] = {}
    for row in rows:
        if row.known_from > known_at:
            continue
        key = (row.service_tier, row.region, row.context_over_tokens, row.hours, row.valid_from)
        if key not in newest or newest[key].known_from <= row.known_from:
            newest[key] = row
    found = [
        row
        for row in newest.values()
        if row.service_tier == tier
        and row.valid_from <= at < row.valid_to
        and (row.context_over_tokens == 0 or row.context_over_tokens < total_input)
        and (not row.hours or any(start <= minute_of_week(at) < end for start, end in row.hours))
    ]
    for wanted in (region, "*" if region not in ("", "global") else "", ""):
        there = [row for row in found if row.region == wanted]
        if there:
            return there
    return []


def minute_of_week(at: datetime) -> int:
    """Counted from Monday 00:00 UTC."""
    moment = at.astimezone(timezone.utc)
    return (moment.weekday() * 24 + moment.hour) * 60 + moment.minute


def price(
    rows: Sequence[PriceRow],
    tier: str,
    at: datetime,
    usage: Usage,
    known_at: datetime,
    *,
    region: str = "",
) -> Price:
    """What a call cost by the rows of its model."""
    found = rows_at(rows, tier, at, usage.total_input, known_at, region=region)
    if not found:
        return Price({})
    row = max(found, key=lambda row: row.context_over_tokens)
    rates = row.rates
    billed = {
        "input": (usage.input_uncached, rates.input_usd_per_token),
        "cache_read": (usage.cache_read, rates.cache_read_usd_per_token),
        "cache_write_5m": (usage.cache_write_5m, rates.cache_write_5m_usd_per_token),
        "cache_write_1h": (usage.cache_write_1h, rates.cache_write_1h_usd_per_token),
        "output": (usage.output, rates.output_usd_per_token),
    }
    for unit in UNITS:
        count = getattr(usage, unit)
        rate = rates.units.get(unit)
        if rate is None and unit in _LIKE_TEXT:
            bucket = _LIKE_TEXT[unit]
            billed[bucket] = (billed[bucket][0] + count, billed[bucket][1])
        else:
            billed[unit] = (count, None if rate is None else rate.usd / rate.per)
    used = {unit: pair for unit, pair in billed.items() if pair[0]}
    missing = tuple(unit for unit, (_, rate) in used.items() if rate is None)
    parts = {unit: count * rate for unit, (count, rate) in used.items() if rate is not None}
    return Price(parts, missing, row)
