"""Prices written by people: our dated overlay and an operator's own prices share one format.

A statement replaces whatever the book says about one provider, model and tier from ``valid_from``
to ``valid_to`` (or to the next statement's ``valid_from``). It is complete: a rate that is not
written is not known. Entries are appended, never edited. Rates are quoted strings (a YAML float
would already have lost the exact value) per million tokens or per thousand requests, as providers
publish them::

    provider: openai
    prices:
      - model: o3
        valid_from: 2025-04-16
        valid_to: 2025-06-10
        usd_per_million_tokens: { input: "10", cache_read: "2.50", output: "40" }
        usd_per_thousand_requests: { web_search: "10" }
        source_url: https://...
        checked_at: 2026-11-24
        evidence: B
        why: the upstream kept the new cached rate in the old price
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
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from spanledger_collector.errors import ConfigurationError

from .history import cut
from .row import OPEN_END, PriceKey, PriceRow, Rates

TokenRate = Literal[
    "input",
    "cache_read",
    "cache_write_5m",
    "cache_write_1h",
    "output",
    "audio_input",
    "audio_output",
]
RequestRate = Literal["web_search"]
#: ``A`` = read on a copy of the provider's page, ``B`` = on pages that quote it,
#: ``C`` = recollection, not yet confirmed on the page that ``source_url`` names.
Evidence = Literal["A", "B", "C"]
_MILLION = Decimal(1_000_000)
_THOUSAND = Decimal(1_000)


def _utc(value: datetime) -> datetime:
    """A date is its midnight UTC; a time without an offset is UTC."""
    return value if value.tzinfo else value.replace(tzinfo=timezone.utc)


def _quoted(value: object) -> object:
    if not isinstance(value, str):
        raise ValueError(f'write the rate as a quoted string: "{value}"')  # noqa: TRY004 pydantic collects ValueError only
    return value


Instant = Annotated[datetime, AfterValidator(_utc)]
Amount = Annotated[Decimal, BeforeValidator(_quoted), Field(ge=0, allow_inf_nan=False)]
TokenRates = Mapping[TokenRate, Amount]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Statement(_Strict):
    """What a model costs in one window of time; see the module's text."""

    provider: str = ""
    model: str
    tier: str = ""
    valid_from: Instant
    valid_to: Instant | None = None
    known_from: Instant | None = None
    usd_per_million_tokens: TokenRates = {}
    usd_per_thousand_requests: Mapping[RequestRate, Amount] = {}
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
    aliases = tuple(a if a.provider else a.model_copy(update=owner) for a in document.aliases)
    return document.model_copy(update={"prices": prices, "aliases": aliases})


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
            rates=_rates(rates, statement.usd_per_thousand_requests),
            source_url=statement.source_url,
            upstream=f"{upstream}; evidence {statement.evidence}"
            if statement.evidence
            else upstream,
        )


def _rates(tokens: TokenRates, requests: Mapping[RequestRate, Decimal]) -> Rates:
    per_token = {f"{name}_usd_per_token": rate / _MILLION for name, rate in tokens.items()}
    per_request = {f"{name}_usd_per_request": rate / _THOUSAND for name, rate in requests.items()}
    return Rates(**per_token, **per_request)
