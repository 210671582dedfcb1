"""Reads the prices of the ``genai-prices`` package (MIT): the first source of the book.

A developer's tool, imported only by ``build``: ``genai-prices`` is a development dependency. Its
data is an ordered list of dated prices a model, with partial overrides ("variants") by context.
Here it becomes flat rows: one a (model, tier, long-context threshold, window).

Rules, and what they cost:

* A first price has no start. It is taken to hold from 2020-01-01 and says "start unknown".
* A model with a unit that spans do not tell (a fee per request that depends on what was asked,
  citation tokens, messages of a voice session) is left out, with the reason: its calls are unpriced
  rather than wrong. So is a model whose rate depends on the hour of the day.
* A missing rate stays missing: cached tokens of a model without a cache rate make a call partial.
* Tiers start the day upstream checked them; the overlay's ``tier_history`` says how old they are.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, time, timezone
from decimal import Decimal
from importlib.metadata import version

from genai_prices.data import providers
from genai_prices.types import (
    ConditionalPrice,
    ModelInfo,
    ModelPrice,
    Provider,
    StartDateConstraint,
    TieredPrices,
    TimeOfDateConstraint,
)

from spanledger import semconv

from .row import OPEN_END, START_UNKNOWN, UNDATED_START, PriceRow, Rates, UnitRate

#: The release whose data the shipped book was built from.
PINNED_VERSION = "0.2.3"
_MILLION = 1_000_000
_THOUSAND = 1_000
_RATE_OF: Mapping[str, str] = {
    "input_mtok": "input_usd_per_token",
    "cache_read_mtok": "cache_read_usd_per_token",
    "cache_write_mtok": "cache_write_5m_usd_per_token",
    "cache_write_1h_mtok": "cache_write_1h_usd_per_token",
    "output_mtok": "output_usd_per_token",
}
#: Upstream's name of a rate -> our unit, and for how many of it the rate is.
_UNIT_OF: Mapping[str, tuple[str, int]] = {
    "input_audio_mtok": ("audio_input", _MILLION),
    "input_image_mtok": ("image_input", _MILLION),
    "input_video_mtok": ("video_input", _MILLION),
    "cache_audio_read_mtok": ("audio_cache_read", _MILLION),
    "cache_image_read_mtok": ("image_cache_read", _MILLION),
    "cache_video_read_mtok": ("video_cache_read", _MILLION),
    "output_audio_mtok": ("audio_output", _MILLION),
    "output_image_mtok": ("image_output", _MILLION),
    "output_video_mtok": ("video_output", _MILLION),
    "output_reasoning_mtok": ("reasoning", _MILLION),
    "web_searches_kcount": (semconv.UNIT_WEB_SEARCHES, _THOUSAND),
    "storage_searches_kcount": (semconv.UNIT_FILE_SEARCHES, _THOUSAND),
    "code_executions_kcount": (semconv.UNIT_CODE_EXECUTIONS, _THOUSAND),
    "rerank_searches_kcount": (semconv.UNIT_SEARCH_UNITS, _THOUSAND),
    "input_mchars": (semconv.UNIT_CHARACTERS, _MILLION),
    "input_document_kpages": ("pages", _THOUSAND),
    "input_annotated_document_kpages": ("pages.annotated", _THOUSAND),
    # The first is what is heard and said together, the second what is heard: it wins.
    "audio_hours": (semconv.UNIT_AUDIO_SECONDS, 3600),
    "input_audio_hours": (semconv.UNIT_AUDIO_SECONDS, 3600),
}
#: Context of a variant -> service tier. Other contexts (search type, route) are no tier.
_TIER_CONTEXTS = frozenset({"processing", "service_tier", "speed"})
_STANDARD = "default"
FREE_SUFFIX = ":free"


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What the package knows, flat.

    Attributes:
        rows: prices.
        left_out: (provider, model, reason) of models without rows.
        upstream: name and version of the package.
    """

    rows: list[PriceRow]
    left_out: list[tuple[str, str, str]]
    upstream: str


def installed_version() -> str:
    """The installed release of ``genai-prices``."""
    return version("genai-prices")


def catalogue() -> Catalogue:
    """Every price of the package as rows, and the models left out."""
    upstream = f"genai-prices {installed_version()}"
    rows: list[PriceRow] = []
    left_out: list[tuple[str, str, str]] = []
    for provider in providers:
        for model in provider.models:
            reason = _unsupported(model)
            if reason:
                left_out.append((provider.id, model.id, reason))
            else:
                rows.extend(_model_rows(provider, model, upstream))
    return Catalogue(rows, left_out, upstream)


def _unsupported(model: ModelInfo) -> str:
    """Why the model cannot be priced from what a span tells; empty = it can."""
    dated = _dated(model)
    if any(isinstance(price.constraint, TimeOfDateConstraint) for price in dated):
        return "the rate depends on the hour of the day"
    known = set[str]()
    for price in dated:
        known |= _price_keys(price.prices)
    if not known:
        return "" if model.id.endswith(FREE_SUFFIX) else "no rate is published"
    strange = sorted(known - _RATE_OF.keys() - _UNIT_OF.keys())
    return f"spans do not tell what it bills: {', '.join(strange)}" if strange else ""


def _dated(model: ModelInfo) -> list[ConditionalPrice]:
    if isinstance(model.prices, ModelPrice):
        return [ConditionalPrice(prices=model.prices)]
    return model.prices


def _price_keys(price: ModelPrice) -> set[str]:
    return {key for key, value in vars(price).items() if value is not None}


def _model_rows(provider: Provider, model: ModelInfo, upstream: str) -> Iterator[PriceRow]:
    tiers = {_tier(variant.when) for variant in model.price_variants or ()} - {None}
    url = (provider.pricing_urls or [""])[0]
    for tier in ["", *sorted(tier for tier in tiers if tier)]:
        prices = list(_merged(_tier_prices(model, tier)))
        for start, end, price in prices:
            dated = upstream + (START_UNKNOWN if start == UNDATED_START else "")
            for threshold in _thresholds(price):
                yield PriceRow(
                    provider=provider.id,
                    model=model.id,
                    service_tier=tier,
                    context_over_tokens=threshold,
                    valid_from=start,
                    valid_to=end,
                    known_from=start,
                    rates=_rates(model, price, threshold),
                    source_url=url,
                    upstream=dated,
                )


def _tier(when: Mapping[str, str]) -> str | None:
    """The service tier that a variant's context names; ``None`` = it names none."""
    if len(when) != 1:
        return None
    ((context, value),) = when.items()
    return value if context in _TIER_CONTEXTS and value != _STANDARD else None


def _tier_prices(
    model: ModelInfo, tier: str
) -> Iterator[tuple[datetime, datetime, Mapping[str, object]]]:
    """Windows and effective prices of one tier; a window without the tier is not yielded."""
    starts = sorted({UNDATED_START, *_starts(model)})
    for start, end in zip(starts, [*starts[1:], OPEN_END], strict=True):
        effective: dict[str, object] = {}
        for price in _dated(model):
            if _active(price.constraint, start):
                effective = dict(vars(price.prices))
        overrides = _overrides(model, tier, start)
        if tier and not overrides:
            continue
        yield start, end, {**effective, **overrides}


def _starts(model: ModelInfo) -> Iterator[datetime]:
    conditions = [price.constraint for price in _dated(model)]
    conditions += [variant.constraint for variant in model.price_variants or ()]
    for condition in conditions:
        if isinstance(condition, StartDateConstraint):
            yield datetime.combine(condition.start_date, time(), tzinfo=timezone.utc)


def _active(condition: object, start: datetime) -> bool:
    return not isinstance(condition, StartDateConstraint) or condition.active(start)


def _overrides(model: ModelInfo, tier: str, start: datetime) -> dict[str, object]:
    """The tier's own prices at an instant: the first active variant wins, price by price."""
    found: dict[str, object] = {}
    for variant in model.price_variants or ():
        if tier and _tier(variant.when) == tier and _active(variant.constraint, start):
            for key, value in vars(variant.prices).items():
                if value is not None:
                    found.setdefault(key, value)
    return found


def _merged(
    windows: Iterable[tuple[datetime, datetime, Mapping[str, object]]],
) -> Iterator[tuple[datetime, datetime, Mapping[str, object]]]:
    """Neighbouring windows with one price are one window."""
    held: tuple[datetime, datetime, Mapping[str, object]] | None = None
    for start, end, price in windows:
        if held is not None and held[1] == start and held[2] == price:
            held = (held[0], end, price)
            continue
        if held is not None:
            yield held
        held = (start, end, price)
    if held is not None:
        yield held


def _thresholds(price: Mapping[str, object]) -> list[int]:
    starts = {
        tier.start
        for value in price.values()
        if isinstance(value, TieredPrices)
        for tier in value.tiers
    }
    return sorted({0} | starts)


def _rates(model: ModelInfo, price: Mapping[str, object], threshold: int) -> Rates:
    if not price and model.id.endswith(FREE_SUFFIX):
        free = Decimal(0)
        return Rates(input_usd_per_token=free, output_usd_per_token=free)
    known = {key: amount for key in price if (amount := _amount(price[key], threshold)) is not None}
    tokens = {name: known[key] / _MILLION for key, name in _RATE_OF.items() if key in known}
    units = {
        unit: UnitRate(known[key], per) for key, (unit, per) in _UNIT_OF.items() if key in known
    }
    return Rates(**tokens, units=units)


def _amount(value: object, threshold: int) -> Decimal | None:
    """The rate above a threshold: the highest step not above it, else the base."""
    if isinstance(value, TieredPrices):
        steps = [tier.price for tier in value.tiers if tier.start <= threshold]
        return steps[-1] if steps else value.base
    return value if isinstance(value, Decimal) else None
