"""The shipped models: `open.json` (configs, exact) and `closed.json` (assumed ranges).

They are read once, on first use. To add a model, add one entry.

``open.json``: name -> ``aliases`` (other normalised ids of the same architecture), ``source`` (the
model's page), ``as_of``, ``published_params`` (the total its publisher states; a test holds it
against ours), ``weight_format`` (of the published weights; left out: bf16 or fp16, which weigh
alike) and ``config`` (the numbers of its ``config.json`` that matter).

``closed.json``: name -> ``aliases``, ``active_billion`` (low and high, decimal strings),
``total_billion``, ``basis`` (``leak|price|benchmark|throughput|vendor``), ``confidence``
(``speculative|plausible|vendor``), ``sources`` and ``as_of``. The point is the geometric mean,
because the ranges span a factor, not a difference.

``vendors.json``: the path parts that may stand before a model's name in an id.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from importlib.resources import files
from math import isqrt
from typing import Final, TypedDict, cast

from spanledger.compute.architecture import ModelArchitecture
from spanledger.compute.config_reader import ArchitectureError

_BILLION: Final = 10**9


class _Stored(TypedDict, total=False):
    weight_format: str


class OpenEntry(_Stored):
    """One model of ``open.json``, see the module."""

    aliases: list[str]
    source: str
    as_of: str
    published_params: int
    config: dict[str, object]


class ClosedEntry(TypedDict):
    """One model of ``closed.json``, see the module."""

    aliases: list[str]
    active_billion: list[str]
    total_billion: str
    basis: str
    confidence: str
    sources: list[str]
    as_of: str


@cache
def open_entries() -> Mapping[str, OpenEntry]:
    """All entries of ``open.json`` by name."""
    return cast("dict[str, OpenEntry]", _load("open.json"))


@cache
def closed_entries() -> Mapping[str, ClosedEntry]:
    """All entries of ``closed.json`` by name."""
    return cast("dict[str, ClosedEntry]", _load("closed.json"))


def published_format(name: str) -> str:
    """The format of an entry's published weights, see `vram.WEIGHT_FORMATS`."""
    entry = open_entries().get(name)
    return entry.get("weight_format", "bf16") if entry is not None else "bf16"


@cache
def vendors() -> frozenset[str]:
    """Vendors and gateways that stand before a model's name in an id (``vendors.json``)."""
    return frozenset(cast("list[str]", _load("vendors.json")))


@cache
def names() -> Mapping[str, str]:
    """Every name and alias, pointing to the entry's name."""
    table: dict[str, str] = {}
    entries: list[tuple[str, list[str]]] = [
        *((name, entry["aliases"]) for name, entry in open_entries().items()),
        *((name, entry["aliases"]) for name, entry in closed_entries().items()),
    ]
    for name, aliases in entries:
        table.update(dict.fromkeys((name, *aliases), name))
    return table


def architecture(name: str) -> ModelArchitecture:
    """The shipped architecture called ``name`` (its entry's name or an alias), built once.

    Raises:
        ArchitectureError: The catalogue has no such name.
    """
    entry = names().get(name)
    if entry is None:
        known = ", ".join(sorted(open_entries())[:8])
        raise ArchitectureError(f"no model {name!r} in the catalogue; it has {known}, ...")
    return _build(entry)


@cache
def _build(name: str) -> ModelArchitecture:
    entry = open_entries().get(name)
    if entry is not None:
        return ModelArchitecture.from_hf_config(
            entry["config"], name=name, source=entry["source"], as_of=entry["as_of"]
        )
    return _closed(name, closed_entries()[name])


def _closed(name: str, entry: ClosedEntry) -> ModelArchitecture:
    low, high = (int(Decimal(text) * _BILLION) for text in entry["active_billion"])
    sources = "; ".join(entry["sources"])
    return ModelArchitecture.from_params(
        total=int(Decimal(entry["total_billion"]) * _BILLION),
        active=isqrt(low * high),
        low=low,
        high=high,
        name=name,
        source=f"{entry['confidence']} ({entry['basis']}): {sources}",
        as_of=entry["as_of"],
    )


def _load(filename: str) -> object:
    return json.loads(files(__name__).joinpath(filename).read_text(encoding="utf-8"))
