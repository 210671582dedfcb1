"""Reads the price data of the ``litellm`` package (MIT): the second source of the book.

A developer's tool. The package is never imported: its JSON file is read out of the wheel, and what
we use of it stands, compressed and with its licence, in ``price/second/`` beside this module, where
``build`` reads it::

    pip download --no-deps litellm==1.109.1
    python -m spanledger_collector.price.litellm litellm-1.109.1-*.whl

It has no dates and drops what is retired, so that it only adds to prices that both sources agree
on (within 1 %) on the day of the extract, from the day our price of the model holds:

* tiers (batch, flex, priority) that the first source lacks for a model, if it has them for every
  long-context step too;
* surcharges by region: OpenAI's data residency, regional endpoints of Vertex AI, Anthropic in the
  US, and Bedrock's list by region;
* fine-tuned models that the first source does not know.

Where the two differ by more, ours stands and the model is on the list for review.
"""

import argparse
import json
import lzma
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

from spanledger_collector.errors import ConfigurationError

from .adjust import scaled
from .match import Matcher, ModelMatch
from .row import OPEN_END, START_UNKNOWN, UNDATED_START, PriceRow, Rates

#: The extract, its licence beside it.
EXTRACT = Path(__file__).with_name("second") / "litellm.json.xz"
LICENSE = EXTRACT.with_name("LICENSE.litellm")
_DATA = "litellm/model_prices_and_context_window_backup.json"
#: litellm's name of a provider -> what a span calls it.
_PROVIDERS: Mapping[str, str] = {
    "anthropic": "anthropic",
    "azure": "azure",
    "bedrock": "aws",
    "bedrock_converse": "aws",
    "cohere": "cohere",
    "cohere_chat": "cohere",
    "deepseek": "deepseek",
    "gemini": "google",
    "groq": "groq",
    "mistral": "mistral",
    "openai": "openai",
    "text-completion-openai": "openai",
    "vertex_ai": "google",
    "vertex_ai-anthropic_models": "google",
    "vertex_ai-embedding-models": "google",
    "vertex_ai-language-models": "google",
    "xai": "x-ai",
}
_PREFIXES = frozenset(_PROVIDERS) | {"vertex_ai"}
#: Our rate -> litellm's field.
_FIELDS: Mapping[str, str] = {
    "input_usd_per_token": "input_cost_per_token",
    "cache_read_usd_per_token": "cache_read_input_token_cost",
    "cache_write_5m_usd_per_token": "cache_creation_input_token_cost",
    "cache_write_1h_usd_per_token": "cache_creation_input_token_cost_above_1hr",
    "output_usd_per_token": "output_cost_per_token",
}
_TIERS: Mapping[str, str] = {"batch": "_batches", "flex": "_flex", "priority": "_priority"}
#: Region -> field of the factor on every token rate.
_FACTORS: Mapping[str, str] = {
    "eu": "regional_processing_uplift_multiplier_eu",
    "us": "regional_processing_uplift_multiplier_us",
    "*": "regional_endpoint_uplift_multiplier",
}
_KEPT_PREFIXES = (*_FIELDS.values(), *_FACTORS.values())
_KEPT = frozenset({"litellm_provider", "source", "mode"})
_TOLERANCE = Decimal("0.01")
_BEDROCK_LIST = "bedrock/"
_FINE_TUNED = "ft:"
_THOUSAND = 1_000


@dataclass(frozen=True, slots=True)
class Difference:
    """Two sources that disagree about a rate of a model today."""

    provider: str
    model: str
    rate: str
    ours: Decimal
    theirs: Decimal
    their_id: str


@dataclass(frozen=True, slots=True)
class SecondSource:
    """What the extract adds to the book and where it differs from it."""

    version: str
    rows: Sequence[PriceRow]
    #: (provider, model) of those that only it knows.
    named: Sequence[tuple[str, str]]
    review: Sequence[Difference]


@dataclass(frozen=True, slots=True)
class Entry:
    """One model of the extract that the book knows too, with its standing standard prices."""

    their_id: str
    fields: Mapping[str, Any]
    match: ModelMatch
    prices: Sequence[PriceRow]


def extract(wheel: Path, as_of: date) -> Mapping[str, Any]:
    """What we use of a wheel: price fields of the providers we know, and when they held.

    Raises:
        ConfigurationError: it is no wheel of ``litellm``.
    """
    try:
        with zipfile.ZipFile(wheel) as archive:
            data = json.loads(archive.read(_DATA), parse_float=str)
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise ConfigurationError(
            f"{wheel} is no wheel of litellm ({error}); get one: pip download --no-deps litellm"
        ) from error
    models = {
        name: _used(fields)
        for name, fields in sorted(cast("Mapping[str, Mapping[str, Any]]", data).items())
        if fields.get("litellm_provider") in _PROVIDERS and "input_cost_per_token" in fields
    }
    return {"version": wheel.name.split("-")[1], "as_of": as_of.isoformat(), "models": models}


def _used(fields: Mapping[str, Any]) -> dict[str, Any]:
    used = {k: v for k, v in fields.items() if k in _KEPT or k.startswith(_KEPT_PREFIXES)}
    special = cast("Mapping[str, Any]", fields.get("provider_specific_entry") or {})
    in_us = special.get("us")
    return used | ({_FACTORS["us"]: in_us} if in_us else {})


def second_source(rows: Sequence[PriceRow], matcher: Matcher) -> SecondSource:
    """What the extract adds to the rows of the first source and our overlay, and the differences.

    Args:
        rows: what the book says so far.
        matcher: finds the book's name of a model.

    Raises:
        ConfigurationError: the extract is missing or damaged.
    """
    try:
        held = json.loads(lzma.decompress(EXTRACT.read_bytes()))
    except (OSError, lzma.LZMAError, ValueError) as error:
        raise ConfigurationError(f"cannot read {EXTRACT}: {error}; make it anew") from error
    upstream = f"litellm {held['version']}"
    added: dict[tuple[object, ...], PriceRow] = {}
    review: list[Difference] = []
    day = datetime.combine(date.fromisoformat(held["as_of"]), time(), tzinfo=timezone.utc)
    standing = _standing(rows, day)
    known = {row.key for row in rows}
    for entry in _entries(held["models"], matcher, standing):
        differences = list(_differences(entry))
        regional = _listed_region(entry)
        if regional:
            found: list[PriceRow] = _regional(entry, regional, upstream) if differences else []
        elif differences:
            review += differences
            found = []
        else:
            found = [*_tiers(entry, upstream), *_surcharges(entry, rows, upstream)]
        for row in found:
            if row.key not in known:
                added.setdefault(row.row_key, row)
    tuned = list(_fine_tuned(held["models"], matcher, upstream))
    named = [(row.provider, row.model) for row in tuned]
    return SecondSource(held["version"], [*added.values(), *tuned], named, review)


def _standing(
    rows: Sequence[PriceRow], day: datetime
) -> Mapping[tuple[str, str], Sequence[PriceRow]]:
    """The standard prices of a day of each model that has one price all week, the base first."""
    found: dict[tuple[str, str], list[PriceRow]] = {}
    for row in sorted(rows, key=lambda row: row.context_over_tokens):
        plain = not (row.service_tier or row.region or row.hours)
        if plain and row.valid_from <= day < row.valid_to:
            found.setdefault((row.provider, row.model), []).append(row)
    return found


def _entries(
    models: Mapping[str, Mapping[str, Any]],
    matcher: Matcher,
    standing: Mapping[tuple[str, str], Sequence[PriceRow]],
) -> Iterator[Entry]:
    for their_id, fields in models.items():
        vendor, slash, rest = their_id.partition("/")
        name = rest if slash and vendor in _PREFIXES else their_id
        if their_id.startswith(_BEDROCK_LIST):
            name = their_id.rpartition("/")[2]
        match = matcher.resolve(_PROVIDERS[fields["litellm_provider"]], name)
        prices = standing.get((match.provider, match.model))
        if prices:
            yield Entry(their_id, fields, match, prices)


def _differences(entry: Entry) -> Iterator[Difference]:
    base = entry.prices[0].rates
    for rate, field in _FIELDS.items():
        ours, theirs = getattr(base, rate), _rate(entry.fields.get(field))
        # Zero there means that it is not charged or not known.
        if ours is not None and theirs and abs(theirs - ours) > ours * _TOLERANCE:
            match = entry.match
            yield Difference(match.provider, match.model, rate, ours, theirs, entry.their_id)


def _rate(value: object) -> Decimal | None:
    """Their floats carry errors in the last digits: rates are published with far fewer."""
    return None if value is None else Decimal(f"{Decimal(str(value)):.12g}").normalize()


def _tiers(entry: Entry, upstream: str) -> Iterator[PriceRow]:
    for tier, suffix in _TIERS.items():
        rows = [_tier_row(entry, price, tier, suffix, upstream) for price in entry.prices]
        if all(row is not None for row in rows):
            yield from (row for row in rows if row is not None)


def _tier_row(
    entry: Entry, price: PriceRow, tier: str, suffix: str, upstream: str
) -> PriceRow | None:
    """The tier's price for one long-context step; None = they have none for it."""
    over = price.context_over_tokens
    step = f"_above_{round(over / _THOUSAND)}k_tokens" if over else ""
    rates = {
        rate: _rate(entry.fields.get(f"{field}{step}{suffix}")) for rate, field in _FIELDS.items()
    }
    wanted = [n for n in ("input_usd_per_token", "output_usd_per_token") if getattr(price.rates, n)]
    if not wanted or any(not rates[name] for name in wanted):
        return None
    units = {u: r for u, r in price.rates.units.items() if u not in ("audio_input", "audio_output")}
    return replace(
        price,
        service_tier=tier,
        rates=Rates(**rates, units=units),
        upstream=_origin(price, upstream),
        source_url=entry.fields.get("source") or price.source_url,
    )


def _surcharges(entry: Entry, rows: Sequence[PriceRow], upstream: str) -> Iterator[PriceRow]:
    for region, field in _FACTORS.items():
        factor = _rate(entry.fields.get(field))
        if not factor or factor == 1:
            continue
        for row in rows:
            mine = (row.provider, row.model) == (entry.match.provider, entry.match.model)
            if mine and not row.region and row.valid_to == OPEN_END:
                rates = scaled(row.rates, factor, everything=False, owner=row.model)
                yield replace(row, region=region, rates=rates, upstream=_origin(row, upstream))


def _listed_region(entry: Entry) -> str:
    """``bedrock/eu-west-2/meta.llama3...`` is the price of that region."""
    parts = entry.their_id.split("/")
    listed = entry.their_id.startswith(_BEDROCK_LIST) and len(parts) > 2  # noqa: PLR2004 a region between
    return parts[1] if listed else ""


def _regional(entry: Entry, region: str, upstream: str) -> list[PriceRow]:
    base = entry.prices[0]
    if region.startswith("us-gov") or "commitment" in entry.their_id or len(entry.prices) > 1:
        return []
    rates = {rate: _rate(entry.fields.get(field)) for rate, field in _FIELDS.items()}
    known = Rates(**rates, units=base.rates.units)
    return [replace(base, region=region, rates=known, upstream=_origin(base, upstream))]


def _fine_tuned(
    models: Mapping[str, Mapping[str, Any]], matcher: Matcher, upstream: str
) -> Iterator[PriceRow]:
    for their_id, fields in models.items():
        if their_id.startswith(_FINE_TUNED) and not matcher.resolve("openai", their_id).model:
            rates = {rate: _rate(fields.get(field)) for rate, field in _FIELDS.items()}
            yield PriceRow(
                provider="openai", model=their_id, service_tier="", context_over_tokens=0,
                valid_from=UNDATED_START, valid_to=OPEN_END, known_from=UNDATED_START,
                rates=Rates(**rates, units={}), source_url=fields.get("source") or "",
                upstream=upstream + START_UNKNOWN,
            )  # fmt: skip


def _origin(row: PriceRow, upstream: str) -> str:
    return upstream + (START_UNKNOWN if row.valid_from == UNDATED_START else "")


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the extract and the licence of a wheel."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("wheel", type=Path)
    today = datetime.now(timezone.utc).date()
    parser.add_argument("--as-of", type=date.fromisoformat, default=today, help="its day")
    options = parser.parse_args(arguments)
    wheel = options.wheel
    text = json.dumps(extract(wheel, options.as_of), sort_keys=True, separators=(",", ":"))
    EXTRACT.parent.mkdir(exist_ok=True)
    EXTRACT.write_bytes(lzma.compress(text.encode(), preset=9))
    with zipfile.ZipFile(wheel) as archive:
        name = next(n for n in archive.namelist() if n.endswith(".dist-info/licenses/LICENSE"))
        LICENSE.write_bytes(archive.read(name))


if __name__ == "__main__":
    main()
