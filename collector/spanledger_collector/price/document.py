"""Prices written by people: our dated overlay and an operator's own prices share one format.

A statement replaces whatever the book says about one provider, model and tier from ``valid_from``
to ``valid_to`` (or to the next statement's ``valid_from``). It is complete: a rate that is not
written is not known. Entries are appended, never edited; one that reaches back is known from when
it is published (:mod:`spanledger_collector.price.learned`). Rates are quoted strings (a YAML float
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
    adjustments:                                       # a contract's discount, a region's surcharge
      - { models: ["gpt-5*"], region: eu, factor: "1.10", valid_from: 2026-03-05, why: residency }
    aliases:
      - { id: "gpt-4o-audio-preview*", model: gpt-4o-audio-preview }
      - { id: my-prod, model: gpt-5-nano, valid_from: 2026-06-01 }     # before: another entry

An alias that is edited, added or taken away means something else for calls received from then on
only: the ledger keeps what it was told before, with since when (``model_aliases``).

``hours`` limits a price to hours of the week, ``region`` to where inference runs, ``currency`` says
what its amounts are in (then under ``per_million_tokens``).
"""

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal, cast, get_args

from pydantic import (
    AliasChoices,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from spanledger_collector.document import read_document

from .fields import Amount, Currency, Instant
from .gpu_hours import GpuHour
from .hours import WeekHours
from .row import Hours, PriceKey

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


TokenRates = Mapping[BucketRate | PartRate, Amount]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class UnitPrice(_Strict):
    """An amount for so many of a unit; ``usd``, or ``amount`` in the price's currency."""

    usd: Annotated[Amount, Field(validation_alias=AliasChoices("usd", "amount"))]
    per: Annotated[int, Field(ge=1)] = 1


UnitPrices = Mapping[UnitName, UnitPrice]


class Statement(_Strict):
    """What a model costs in one window of time; see the module's text."""

    provider: str = ""
    model: str
    tier: str = ""
    region: str = ""
    hours: WeekHours | None = None
    currency: Currency = "USD"
    valid_from: Instant
    valid_to: Instant | None = None
    known_from: Instant | None = None
    usd_per_million_tokens: Annotated[
        TokenRates,
        Field(validation_alias=AliasChoices("usd_per_million_tokens", "per_million_tokens")),
    ] = {}
    units: UnitPrices = {}
    #: Threshold -> rates of the whole request when its total input is greater.
    over: Mapping[int, TokenRates] = {}
    source_url: str = ""
    checked_at: Instant | None = None
    evidence: Evidence | None = None
    why: str

    @model_validator(mode="before")
    @classmethod
    def _named_by_currency(cls, given: Any) -> Any:
        """``usd_`` in a name of another currency's amounts would be a lie."""
        fields = cast("dict[str, object]", given) if isinstance(given, dict) else {}
        currency = fields.get("currency", "USD")
        names = ["usd_per_million_tokens", "per_million_tokens"]
        right, wrong = names if currency == "USD" else reversed(names)
        if wrong in fields:
            raise ValueError(f"amounts in {currency} stand under {right}, not {wrong}")
        return cast("object", given)

    @property
    def key(self) -> PriceKey:
        """Provider, model, tier, region."""
        return (self.provider, self.model, self.tier, self.region)

    @property
    def minutes(self) -> Hours:
        """The minutes of the week the price holds in; empty = always."""
        return self.hours.minutes() if self.hours else ()


class Alias(_Strict):
    """An id (``*`` at its start or end stands for any text) and the model of the book it means.

    A name that moves to another model is a new entry of the same id with a ``valid_from``: of
    those that hold when a call starts, the one that began last. With a ``factor`` the id is a price
    of its own: that of the model, token rates multiplied.
    """

    id: str
    model: str
    provider: str = ""
    to_provider: str = ""
    factor: Amount | None = None
    valid_from: Instant | None = None
    valid_to: Instant | None = None

    @model_validator(mode="after")
    def _dates_fit(self) -> "Alias":
        if self.factor is not None and (self.valid_from or self.valid_to):
            raise ValueError("an alias with a factor has no dates; date an adjustment of its model")
        if self.valid_from and self.valid_to and self.valid_to <= self.valid_from:
            raise ValueError("valid_to is not after valid_from")
        return self


class Adjustment(_Strict):
    """Prices of some models multiplied: for a contract, or for inference in a region."""

    provider: str = ""
    #: Names of the book; ``*`` stands for any text.
    models: tuple[str, ...] = ("*",)
    #: None = every tier.
    tiers: tuple[str, ...] | None = None
    region: str = ""
    factor: Amount | None = None
    discount_percent: Annotated[Amount, Field(le=100)] | None = None
    covers: Literal["tokens", "everything"] = "tokens"
    valid_from: Instant
    valid_to: Instant | None = None
    known_from: Instant | None = None
    source_url: str = ""
    checked_at: Instant | None = None
    evidence: Evidence | None = None
    why: str

    @model_validator(mode="after")
    def _says_how_much(self) -> "Adjustment":
        if (self.factor is None) == (self.discount_percent is None):
            raise ValueError("give either factor or discount_percent")
        return self

    @property
    def multiplier(self) -> Decimal:
        """What a rate is multiplied by."""
        if self.discount_percent is not None:
            return 1 - self.discount_percent / 100
        return self.factor or Decimal(0)


class Provisioned(_Strict):
    """Throughput bought by the hour: its tokens cost what the hour does, at full use.

    What is bought and not used is no call's cost and stands in no attempt.
    """

    provider: str
    model: str
    usd_per_hour: Amount
    tokens_per_hour: Annotated[int, Field(ge=1)]
    valid_from: Instant
    valid_to: Instant | None = None
    known_from: Instant | None = None
    why: str

    def statement(self) -> "Statement":
        """The price that follows, the same for every token (rounded to 24 decimals a token)."""
        rate = self.usd_per_hour * _MILLION / self.tokens_per_hour
        text = f"{rate.quantize(Decimal(1).scaleb(-18)):f}"
        buckets: tuple[BucketRate, ...] = get_args(BucketRate)
        given = self.model_dump(include={"provider", "model", "valid_from", "valid_to", "why"})
        rates = dict.fromkeys(buckets, text)
        told = f"{self.usd_per_hour:f} USD an hour / {self.tokens_per_hour} tokens an hour"
        given["why"] = f"{self.why}: {told}"
        return Statement.model_validate(
            {**given, "known_from": self.known_from, "usd_per_million_tokens": rates}
        )


class FxRate(_Strict):
    """What a unit of another currency is worth in USD from a day on.

    It holds until the next one's day, or ``valid_to``, but no longer than seven days without
    either: an old rate is no rate.
    """

    currency: Currency
    usd: Amount
    valid_from: Instant
    valid_to: Instant | None = None
    known_from: Instant | None = None
    source_url: str = ""


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
    adjustments: tuple[Adjustment, ...] = ()
    provisioned: tuple[Provisioned, ...] = ()
    gpu_hours: tuple[GpuHour, ...] = ()
    fx: tuple[FxRate, ...] = ()
    aliases: tuple[Alias, ...] = ()
    tier_history: tuple[TierHistory, ...] = ()
    #: Other names of providers -> the book's.
    spellings: Mapping[str, str] = {}


def read(path: Path) -> Document:
    """One file of statements, with the file's provider filled in.

    Raises:
        ConfigurationError: the file is missing, is no YAML, or says something else than the format.
    """
    document = read_document(path, Document, "prices")
    if not document.provider:
        return document
    owner = {"provider": document.provider}
    prices = tuple(s if s.provider else s.model_copy(update=owner) for s in document.prices)
    units = tuple(u if u.provider else u.model_copy(update=owner) for u in document.unit_prices)
    aliases = tuple(a if a.provider else a.model_copy(update=owner) for a in document.aliases)
    changes = tuple(a if a.provider else a.model_copy(update=owner) for a in document.adjustments)
    filled = {
        "prices": prices,
        "unit_prices": units,
        "adjustments": changes,
        "aliases": aliases,
    }
    return document.model_copy(update=filled)
