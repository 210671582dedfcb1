"""The rate card: what each model costs now, in whole atto-USD (1e-18 USD) per token.

Integers, because a budget adds and compares them at every call. A finer rate of the book is rounded
up. The ledger's cost is the price book's, dated and to the last digit; the card knows today's list
price of a model and nothing of contracts, regions and hours of the day.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, Decimal, InvalidOperation
from importlib.resources import files
from typing import Final, NamedTuple, TypedDict, cast

from spanledger.rates.clauses import Clause, ModelClauses
from spanledger.rates.listings import Listing, Listings

#: Atto-USD in one USD.
ATTO: Final = 10**18
_MILLION: Final = 10**6
#: Resolved ids remembered; bounded because ids can come from end users.
_REMEMBERED_IDS: Final = 1024
_MAX_ID_CHARACTERS: Final = 256
_NO_UNITS: Final[Mapping[str, tuple[int, int]]] = {}
_STANDARD: Final = frozenset({"", "auto", "default", "standard", "standard_only", "on_demand"})
#: Names of the rates as a user gives them, in USD per million tokens.
_OWN_NAMES: Final = ("input", "cache_read", "cache_write", "cache_write_1h", "output")


class Buckets(NamedTuple):
    """Tokens of a call; ``input`` is all of it, cached tokens included."""

    input: int
    output: int
    cache_read: int = 0
    cache_write_5m: int = 0
    cache_write_1h: int = 0


@dataclass(frozen=True, slots=True)
class Rates:
    """Atto-USD per token; None = the book has no such rate. ``units``: (atto-USD, for how many)."""

    input: int | None = None
    cache_read: int | None = None
    cache_write_5m: int | None = None
    cache_write_1h: int | None = None
    output: int | None = None
    units: Mapping[str, tuple[int, int]] = field(default_factory=lambda: _NO_UNITS)

    def dearest_input(self, *, cached: bool) -> int | None:
        """The most that a token of input may cost.

        Args:
            cached: the request asks for the cache, so that a write for an hour is possible.
        """
        if self.input is None:
            return None
        hour = self.cache_write_1h if cached else None
        return max(self.input, self.cache_write_5m or 0, hour or 0)

    def cost(self, tokens: Buckets) -> int | None:
        """Atto-USD; a cached token without a rate of its own counts as input; None = unknown."""
        written = tokens.cache_write_5m + tokens.cache_write_1h
        hour = self.cache_write_5m if self.cache_write_1h is None else self.cache_write_1h
        uncached = max(0, tokens.input - tokens.cache_read - written)
        total = 0
        for count, own in (
            (uncached, self.input),
            (tokens.cache_read, self.cache_read),
            (tokens.cache_write_5m, self.cache_write_5m),
            (tokens.cache_write_1h, hour),
        ):
            rate = self.input if own is None else own
            if not count:
                continue
            if rate is None:
                return None
            total += count * rate
        if tokens.output:
            if self.output is None:
                return None
            total += tokens.output * self.output
        return total


class _Variant(NamedTuple):
    """Rates of one service tier above so many tokens of input."""

    tier: str
    over_tokens: int
    rates: Rates


class ModelRates:
    """All rates of one model, by service tier and length of the input.

    Args:
        variants: at least one.
    """

    __slots__ = ("_by_tier",)

    def __init__(self, variants: Iterable[_Variant]) -> None:
        by_tier: dict[str, list[_Variant]] = {}
        for variant in sorted(variants, key=lambda one: -one.over_tokens):
            by_tier.setdefault(variant.tier, []).append(variant)
        self._by_tier = by_tier

    def at(self, input_tokens: int, tier: str = "") -> Rates | None:
        """The rates of a request with so much input; the standard ones where a tier has none."""
        asked = "" if tier in _STANDARD else tier
        variants = self._by_tier.get(asked) or self._by_tier.get("") or ()
        return next((one.rates for one in variants if input_tokens > one.over_tokens), None) or (
            variants[-1].rates if variants else None
        )


class RateCard:
    """The rates of every model that is known.

    Args:
        listings: whose ids mean what.
        spellings: names of providers.
        models: (provider, model) -> its rates.
    """

    def __init__(
        self,
        listings: Mapping[str, Listing],
        spellings: Mapping[str, str],
        models: Mapping[tuple[str, str], ModelRates],
    ) -> None:
        known = {**{provider: provider for provider in listings}, **spellings}
        self._listings = Listings(listings, known)
        self._models = models
        self._cached = functools.lru_cache(maxsize=_REMEMBERED_IDS)(self._find)

    def of(self, provider: str, model: str) -> ModelRates | None:
        """The rates of a model, as a span names it and its provider; None = not known."""
        if len(model) > _MAX_ID_CHARACTERS or len(provider) > _MAX_ID_CHARACTERS:
            return None
        return self._cached(provider, model)

    def _find(self, provider: str, model: str) -> ModelRates | None:
        found = self._listings.find(provider.strip().lower(), model.strip().lower())
        return None if found is None else self._models.get((found.provider, found.model))


class _ToldListing(TypedDict):
    """As :class:`Listing`."""

    models: list[ModelClauses]
    falls_back_to: list[str]
    recognises: Clause


class _Told(TypedDict):
    """The card's file. A variant is tier, threshold, and the places of its rates and units."""

    spellings: dict[str, str]
    listings: dict[str, _ToldListing]
    rates: list[list[int | None]]
    units: list[dict[str, tuple[int, int]]]
    models: dict[str, dict[str, list[tuple[str, int, int, int]]]]


@functools.cache
def shipped() -> RateCard:
    """The card in the wheel, read once (some 30 ms)."""
    import json
    import lzma

    packed = files(__package__ or "").joinpath("card.json.xz").read_bytes()
    told = cast("_Told", json.loads(lzma.decompress(packed)))
    units = [{unit: (usd, per) for unit, (usd, per) in one.items()} for one in told["units"]]
    models = {
        (provider, model): ModelRates(
            _Variant(tier, over, _rates(told["rates"][rate], units[unit]))
            for tier, over, rate, unit in variants
        )
        for provider, by_model in told["models"].items()
        for model, variants in by_model.items()
    }
    listings = {provider: Listing(**one) for provider, one in told["listings"].items()}
    return RateCard(listings, told["spellings"], models)


def _rates(
    by_bucket: Iterable[int | None], units: Mapping[str, tuple[int, int]] = _NO_UNITS
) -> Rates:
    """Rates in the order of the buckets."""
    read, *others = by_bucket
    cached, short, hour, output = others
    return Rates(read, cached, short, hour, output, units)


def own_rates(given: Mapping[str, Mapping[str, object]]) -> dict[str, ModelRates]:
    """Rates as a user gives them: model, or ``provider/model`` -> USD per million tokens.

    Args:
        given: of each model ``input`` and ``output``, and, where they differ from the input,
            ``cache_read``, ``cache_write`` and ``cache_write_1h``; numbers or decimal text.

    Raises:
        ValueError: a rate that is none; names the model.
    """
    return {
        model.strip().lower(): ModelRates([_Variant("", 0, _own(model, rates))])
        for model, rates in given.items()
    }


def _own(model: str, told: object) -> Rates:
    rates: Mapping[str, object] = {}
    if isinstance(told, Mapping):
        rates = cast("Mapping[str, object]", told)
    unknown = sorted(set(rates) - set(_OWN_NAMES))
    if unknown or "input" not in rates:
        raise ValueError(
            f"the rates of {model!r} need 'input' and may have {', '.join(_OWN_NAMES[1:])} (USD "
            f"per million tokens), not {', '.join(unknown) or 'these alone'}"
        )
    return _rates(_atto_per_token(model, rates.get(name)) for name in _OWN_NAMES)


def _atto_per_token(model: str, usd_per_million: object) -> int | None:
    if usd_per_million is None:
        return None
    try:
        rate = Decimal(str(usd_per_million))
    except InvalidOperation:
        rate = Decimal(-1)
    if not rate.is_finite() or rate < 0:
        raise ValueError(
            f"a rate of {model!r} is {usd_per_million!r}: give USD per million tokens, from 0 on"
        )
    return int((rate * ATTO / _MILLION).to_integral_value(ROUND_CEILING))
