"""Prices written by people: our dated overlay and an operator's own prices share one format.

A statement replaces whatever the book says about one provider, model and tier from ``valid_from``
to ``valid_to`` (or to the next statement's ``valid_from``). It is complete: a rate that is not
written is not known. Entries are appended, never edited. Rates are quoted strings (a YAML float
would already have lost the exact value), per million tokens or for so many of a unit, as providers
publish them::

    provider: openai
    prices:
      - model: o3
        valid_from: 2025-04-16
        valid_to: 2025-06-10
        usd_per_million_tokens: { input: "10", cache_read: "2.50", output: "40" }
        units: { web_searches: { usd: "10", per: 1000 }, "images.*": { usd: "0.04" } }
        source_url: https://...
        checked_at: 2026-11-24
        evidence: B
        why: the upstream kept the new cached rate in the old price
    unit_prices:
      - models_with: web_searches                      # or models: [o3, gpt-5]
        valid_from: 2025-03-11
        units: { code_containers: { usd: "0.03" } }    # beside whatever else their prices say
        source_url: https://...
    aliases:
      - { id: "gpt-4o-audio-preview*", model: gpt-4o-audio-preview }
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
)

from spanledger_collector.errors import ConfigurationError

from .history import cut
from .row import OPEN_END, RATE_NAMES, PriceKey, PriceRow, Rates, UnitRate

BucketRate = Literal["input", "cache_read", "cache_write_5m", "cache_write_1h", "output"]
PartRate = Literal[
    "audio_input",
    "image_input",
    "video_input",
    "audio_cache_read",
    "image_cache_read",
    "video_cache_read",
    "audio_output",
    "image_output",
    "video_output",
    "reasoning",
]
#: What is billed beside tokens: a word, perhaps with kinds of it behind dots, or ``*`` for any.
UnitName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*(\.[a-z0-9_-]+)*(\.\*)?$")]
#: ``A`` = read on a copy of the provider's page, ``B`` = on pages that quote it,
#: ``C`` = recollection, not yet confirmed on the page that ``source_url`` names.
Evidence = Literal["A", "B", "C"]
_MILLION = 1_000_000


def _utc(value: datetime) -> datetime:
    """A date is its midnight UTC; a time without an offset is UTC."""
    return value if value.tzinfo else value.replace(tzinfo=timezone.utc)


def _quoted(value: object) -> object:
    if not isinstance(value, str):
        raise ValueError(f'write the rate as a quoted string: "{value}"')  # noqa: TRY004 pydantic collects ValueError only
    return value


Instant = Annotated[datetime, AfterValidator(_utc)]
Amount = Annotated[Decimal, BeforeValidator(_quoted), Field(ge=0, allow_inf_nan=False)]
TokenRates = Mapping[BucketRate | PartRate, Amount]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class UnitPrice(_Strict):
    """USD for so many of a unit."""

    usd: Amount
    per: Annotated[int, Field(ge=1)] = 1


UnitPrices = Mapping[UnitName, UnitPrice]


class Statement(_Strict):
    """What a model costs in one window of time; see the module's text."""

    provider: str = ""
    model: str
    tier: str = ""
    valid_from: Instant
    valid_to: Instant | None = None
    known_from: Instant | None = None
    usd_per_million_tokens: TokenRates = {}
    units: UnitPrices = {}
    #: Threshold -> rates of the whole request when its total input is greater.
    over: Mapping[int, TokenRates] = {}
    source_url: str = ""
    checked_at: Instant | None = None
    evidence: Evidence | None = None
    why: str

    @property
    def key(self) -> PriceKey:
        """Provider, model, tier."""
        return (self.provider, self.model, self.tier)


class Alias(_Strict):
    """An id (``*`` at its start or end stands for any text) and the model of the book it means."""

    id: str
    model: str
    provider: str = ""
    to_provider: str = ""


class UnitStatement(_Strict):
    """What a provider charges beside tokens for some of its models, in every tier alike."""

    provider: str = ""
    models: tuple[str, ...] = ()
    #: And every model whose price has this unit already: those that can use tools, for example.
    models_with: str = ""
    valid_from: Instant
    valid_to: Instant | None = None
    known_from: Instant | None = None
    units: UnitPrices = {}
    #: Parts that are charged as their bucket is: all that the models say is audio, for example.
    as_bucket: tuple[PartRate, ...] = ()
    source_url: str = ""
    checked_at: Instant | None = None
    evidence: Evidence | None = None
    why: str


class TierHistory(_Strict):
    """A tier whose rates upstream dates from the day it checked them, but that is older.

    Rows are derived for the time from ``since`` on: the standard rate of each day, times the ratio
    of tier rate to standard rate on the first day upstream knows it.
    """

    tier: str
    since: Instant
    source_url: str
    checked_at: Instant
    evidence: Evidence
    why: str


class Document(_Strict):
    """One YAML file of prices."""

    provider: str = ""
    prices: tuple[Statement, ...] = ()
    unit_prices: tuple[UnitStatement, ...] = ()
    aliases: tuple[Alias, ...] = ()
    tier_history: tuple[TierHistory, ...] = ()
    #: Other names of providers -> the book's.
    spellings: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class Window:
    """One statement and the window it holds for."""

    statement: Statement
    start: datetime
    end: datetime


def read(path: Path) -> Document:
    """One file of statements, with the file's provider filled in.

    Raises:
        ConfigurationError: the file is missing, is no YAML, or says something else than the format.
    """
    try:
        document = Document.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")) or {})
    except (OSError, yaml.YAMLError, ValidationError) as error:
        raise ConfigurationError(f"cannot read the prices in {path}: {error}") from error
    if not document.provider:
        return document
    owner = {"provider": document.provider}
    prices = tuple(s if s.provider else s.model_copy(update=owner) for s in document.prices)
    units = tuple(u if u.provider else u.model_copy(update=owner) for u in document.unit_prices)
    aliases = tuple(a if a.provider else a.model_copy(update=owner) for a in document.aliases)
    filled = {"prices": prices, "unit_prices": units, "aliases": aliases}
    return document.model_copy(update=filled)


def windows(statements: Iterable[Statement]) -> list[Window]:
    """Statements with their ends; an open one ends where the next of its key starts.

    Raises:
        ConfigurationError: two statements of one key overlap.
    """
    by_key: dict[PriceKey, list[Statement]] = {}
    for statement in statements:
        by_key.setdefault(statement.key, []).append(statement)
    found: list[Window] = []
    for key, held in by_key.items():
        ordered = sorted(held, key=lambda statement: statement.valid_from)
        starts = [statement.valid_from for statement in ordered[1:]] + [OPEN_END]
        for statement, following in zip(ordered, starts, strict=True):
            end = statement.valid_to or following
            if end > following or statement.valid_from >= end:
                raise ConfigurationError(
                    f"prices of {'/'.join(key[:2])} from {statement.valid_from:%Y-%m-%d} overlap "
                    f"the next entry or end before they start; append, with an end that fits"
                )
            found.append(Window(statement, statement.valid_from, end))
    return found


def lay_over(rows: Iterable[PriceRow], laid: Iterable[Window], upstream: str) -> list[PriceRow]:
    """The rows with the windows of the statements replaced by what they say."""
    result = list(rows)
    for window in laid:
        result = cut(result, window.statement.key, window.start, window.end)
        result.extend(_rows(window, upstream))
    return result


def _rows(window: Window, upstream: str) -> Iterable[PriceRow]:
    statement = window.statement
    levels = {0: statement.usd_per_million_tokens, **statement.over}
    for threshold, rates in levels.items():
        yield PriceRow(
            provider=statement.provider,
            model=statement.model,
            service_tier=statement.tier,
            context_over_tokens=threshold,
            valid_from=window.start,
            valid_to=window.end,
            known_from=statement.known_from or window.start,
            rates=_rates(rates, statement.units),
            source_url=statement.source_url,
            upstream=f"{upstream}; evidence {statement.evidence}"
            if statement.evidence
            else upstream,
        )


def _rates(tokens: TokenRates, units: UnitPrices) -> Rates:
    columns = {f"{name}_usd_per_token": (name, rate) for name, rate in tokens.items()}
    buckets = {
        column: rate / _MILLION for column, (_, rate) in columns.items() if column in RATE_NAMES
    }
    parts = {
        name: UnitRate(rate, _MILLION)
        for column, (name, rate) in columns.items()
        if column not in RATE_NAMES
    }
    return Rates(**buckets, units=parts | unit_rates(units))


def unit_rates(units: UnitPrices) -> dict[str, UnitRate]:
    """Written prices of units as rates."""
    return {name: UnitRate(price.usd, price.per) for name, price in units.items()}
