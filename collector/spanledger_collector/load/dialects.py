"""The table of spellings, typed: whose attribute names mean what.

Source of every rule: ``dialects.yaml``, whose header explains the fields. This module only reads
and checks it; :mod:`spanledger_collector.load.render` turns it into SQL.
"""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Literal

import yaml
from pydantic import TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass as checked

from spanledger_collector.errors import ConfigurationError

#: What a field holds. ``tokens`` and ``integer`` are whole numbers; ``real`` is read from text.
FieldType = Literal["tokens", "integer", "real", "text", "list"]

#: Nanoseconds in each unit a spelling may be in.
NANOSECONDS = {"s": 1e9, "ms": 1e6, "ns": 1.0}

#: Parts of the buckets that are no text; their names are units of the price book too.
PARTS = tuple(
    f"{kind}_{bucket}"
    for bucket in ("input", "cache_read", "output")
    for kind in ("audio", "image", "video")
)
#: A part of the input, as the conventions count it -> the part of it that was read from the cache.
CACHED_PARTS = {f"{kind}_input": f"{kind}_cache_read" for kind in ("audio", "image", "video")}

#: Roles a span can have (``spans.role``).
ROLES = ("call", "agent", "workflow", "task", "tool", "engine", "ignore", "record", "other")


@checked(frozen=True)
class Dialect:
    """How one emitter of spans is recognised, and what its numbers mean.

    Attributes:
        input: do input tokens contain the cached ones? ``assumed`` = not said, taken as inclusive.
        output: do output tokens contain the reasoning ones?
        scopes: names of instrumentation scopes, ``%`` = any text.
        keys: attribute names (``prefix%`` allowed) that prove it when the scope does not.
        role: role of every span of the dialect; empty = by operation.
        span_roles: span name to role, where the name is the only sign.
        exclusive_providers: emitted names of providers whose input leaves the cached tokens out.
        streams: streams without any count of cached tokens were counted by the emitter itself.
        zero_cost: what a cost of 0 means, when it does not mean free.
    """

    input: Literal["inclusive", "exclusive", "assumed"]
    output: Literal["inclusive", "exclusive"]
    scopes: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    role: str = ""
    span_roles: Mapping[str, str] | None = None
    exclusive_providers: tuple[str, ...] = ()
    streams: Literal["", "estimated_without_cache"] = ""
    zero_cost: Literal["", "missing"] = ""


@checked(frozen=True)
class JsonAttribute:
    """An attribute whose text is an object: each scalar in it is ``<key>/<name>.<name>``."""

    key: str
    dialect: str
    format: Literal["json", "python"] = "json"


@checked(frozen=True)
class Spelling:
    """One attribute name, whose it is, and the unit of its value."""

    key: str
    dialect: str
    unit: Literal["s", "ms", "ns"] | None = None
    units: Mapping[str, Literal["s", "ms", "ns"]] | None = None
    only: tuple[str, ...] = ()
    exclusive: bool = False

    @property
    def inside(self) -> str:
        """The JSON attribute it is read from, empty when it is an attribute itself."""
        return self.key.rpartition("/")[0]


@checked(frozen=True)
class Field:
    """A canonical field and its spellings, the first usable one wins."""

    type: FieldType
    spellings: tuple[Spelling, ...]


@checked(frozen=True)
class Table:
    """All of ``dialects.yaml``."""

    dialects: Mapping[str, Dialect]
    fields: Mapping[str, Field]
    evidence: tuple[Spelling, ...]
    operations: Mapping[str, tuple[str, str]]
    providers: Mapping[str, str]
    tiers: Mapping[str, str]
    content: tuple[str, ...]
    parts: Mapping[str, tuple[Spelling, ...]] = dataclasses.field(
        default_factory=dict[str, tuple[Spelling, ...]]
    )
    json: tuple[JsonAttribute, ...] = ()

    def spellings(self) -> Iterator[Spelling]:
        """Every spelling that is read or kept."""
        for field in self.fields.values():
            yield from field.spellings
        for spellings in self.parts.values():
            yield from spellings
        yield from self.evidence


def matches(pattern: str, text: str) -> bool:
    """Whether ``text`` is ``pattern``, or starts with it when it ends in ``%``."""
    return text.startswith(pattern[:-1]) if pattern.endswith("%") else text == pattern


def _spelling_complaints(table: Table) -> Iterator[str]:
    keys = [spelling.key for spelling in table.spellings()]
    yield from (f"{key}: is spelt twice" for key in keys if keys.count(key) > 1)
    for spelling in table.spellings():
        if any(matches(pattern, spelling.key) for pattern in table.content):
            yield f"{spelling.key}: is listed under content and may not be read"
        for dialect in (spelling.dialect, *spelling.only, *(spelling.units or ())):
            if dialect not in table.dialects:
                yield f"{spelling.key}: there is no dialect {dialect!r}"


def _json_complaints(table: Table) -> Iterator[str]:
    known = {attribute.key for attribute in table.json}
    for spelling in table.spellings():
        if spelling.inside and spelling.inside not in known:
            yield f"{spelling.key}: {spelling.inside} is not listed under json"
        if spelling.key in known:
            yield f"{spelling.key}: is listed under json and has no value of its own"
    for attribute in table.json:
        if attribute.dialect not in table.dialects:
            yield f"{attribute.key}: there is no dialect {attribute.dialect!r}"


def _part_complaints(table: Table) -> Iterator[str]:
    yield from (f"part {name}: is none of {PARTS}" for name in table.parts if name not in PARTS)


def _role_complaints(table: Table) -> Iterator[str]:
    for name, dialect in table.dialects.items():
        for role in (dialect.role or "other", *(dialect.span_roles or {}).values()):
            if role not in ROLES:
                yield f"dialect {name}: there is no role {role!r}"
    for value, (_, role) in table.operations.items():
        if role not in ROLES or value != value.lower():
            yield f"operation {value}: needs a lower-case name and one of the roles {ROLES}"


def parse(text: str) -> Table:
    """Reads a table of spellings.

    Raises:
        ConfigurationError: it is not well formed; the message lists what to change.
    """
    try:
        table = TypeAdapter(Table).validate_python(yaml.safe_load(text))
    except (ValidationError, yaml.YAMLError) as error:
        raise ConfigurationError(f"dialects.yaml cannot be read: {error}") from error
    found: Sequence[str] = sorted(
        {
            *_spelling_complaints(table),
            *_json_complaints(table),
            *_part_complaints(table),
            *_role_complaints(table),
        }
    )
    if found:
        raise ConfigurationError("dialects.yaml is inconsistent:\n  " + "\n  ".join(found))
    return table


@cache
def shipped() -> Table:
    """The table that comes with the collector."""
    return parse(Path(__file__).with_name("dialects.yaml").read_text(encoding="utf-8"))
