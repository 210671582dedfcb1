"""What every column of every view means: ``docs/views.md`` is written from it.

A column of a view is described, in this order, by the entry of its name below ``-- columns:`` in
the view's own header, by the words below, which mean the same in every view, or by the comment of
the column of that name in a table that it reads (or the header of a view).
``python -m spanledger_collector.store.described`` writes the page.
"""

import re
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from spanledger_collector import sql

from .connection import Connection
from .migrations import migrate, schema_files, view_files
from .store import Store

PAGE: Final = Path(__file__).parents[3] / "docs" / "views.md"
_INTRODUCTION: Final = """\
# Views

What to read the ledger by: `spanledger sql`, a ClickHouse client, `Ledger.arrow` and
`Ledger.pandas` ([collector.md](collector.md#from-python)). Names and meanings are stable;
`spanledger schema` prints their SQL. Money is exact, `NULL` is unknown and never 0.

Where a query has the name of a view too ({shared}), that name is the
query's: `Ledger.arrow("view:{first}")` and `/v1/queries/view:{first}` give the view that is
described here.

Written from the SQL by `python -m spanledger_collector.store.described`: edit the headers there.
"""
#: What means the same wherever it is.
_WORDS: Final[Mapping[str, str]] = {
    "workspace": "Whose ledger",
    "day": "UTC day of the start",
    "runs": "Runs",
    "attempts": "Counted attempts, failed ones included",
    "input_tokens": "All input: uncached, cache reads and cache writes",
    "trace_id": "Trace, 32 hex digits",
    "span_id": "Span, 16 hex digits",
    "input_uncached_tokens": "Input that no cache served; one of the disjoint buckets",
    "cache_read_tokens": "Input read from a cache; one of the disjoint buckets",
    "cache_write_5m_tokens": "Input written to a cache for 5 minutes; one of the disjoint buckets",
    "cache_write_1h_tokens": "Input written to a cache for an hour; one of the disjoint buckets",
    "output_tokens": "Output, reasoning included; one of the disjoint buckets",
    "flops_total": "Floating-point operations, estimated or measured",
    "vram_peak_bytes": "Largest VRAM of a call, in bytes",
    "gpu_seconds": "Seconds of GPU time",
    "revenue_usd": "Recorded revenue; NULL = none",
    "outcome_value_usd": "Recorded value of outcomes; NULL = none",
    "unpriced_attempts": "Counted attempts whose cost is unknown or partly unknown: the cost is a "
    "lower bound when above 0",
}
_ENTRY = re.compile(r"^--   (\w+(?:, \w+)*)  +(\S.*)$|^--   (\w+(?:, \w+)*) (\S.*)$")
_CONTINUED = re.compile(r"^--    +(\S.*)$")
_COMMENT = re.compile(r"^ *`?(\w+)`? .*? COMMENT '((?:[^'\\]|\\.|'')*)'", re.MULTILINE)
_CHANGED = re.compile(r"^ALTER TABLE (\w+)", re.MULTILINE)
_ADDED = re.compile(
    r"ADD COLUMN IF NOT EXISTS (\w+)(?:(?!ADD COLUMN).)*?COMMENT '((?:[^'\\]|\\.|'')*)'", re.DOTALL
)
_SOURCE = re.compile(r"\b(?:FROM|JOIN) (\w+)")
_TABLE = re.compile(r"^CREATE TABLE IF NOT EXISTS (\w+)", re.MULTILINE)
_PARAMETER = re.compile(r"\{(\w+):(\w+)")
#: A value of each type that parameters of views have.
_VALUES: Final[Mapping[str, str]] = {"String": "''", "Int": "0", "DateTime": "'2026-01-01'"}
_TYPE_SHELLS = re.compile(r"\b(?:Nullable|LowCardinality)\((.*)\)$")


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a view.

    Attributes:
        name: of the column.
        kind: its ClickHouse type, without wrappers; whether it can be NULL is said apart.
        nullable: NULL = unknown or none.
        meaning: what it holds; empty = nobody said.
    """

    name: str
    kind: str
    nullable: bool
    meaning: str


def described_views(connection: Connection) -> dict[str, list[Column]]:
    """Every view with its columns in order.

    Args:
        connection: to a migrated database.
    """
    tables = _table_comments()
    return {name: list(_columns(connection, name, tables)) for name in sorted(view_files())}


_Comments = Mapping[str, Mapping[str, str]]


def _columns(connection: Connection, view: str, tables: _Comments) -> Iterator[Column]:
    told, meanings = header_entries(sql.read(f"views/{view}.sql")), _meanings(view, tables)
    for row in connection.rows(f"DESCRIBE TABLE {_source(view)}"):
        # The engine writes named tuples over several lines.
        name, kind = str(row["name"]), " ".join(str(row["type"]).split())
        meaning = told.get(name) or _WORDS.get(name) or meanings.get(name, "")
        yield Column(name, _plain(kind), "Nullable" in kind, meaning)


def _source(view: str) -> str:
    """The view; where it takes parameters, with some values, which its columns do not depend on."""
    values = [
        f"{name} = {next(value for type_, value in _VALUES.items() if kind.startswith(type_))}"
        for name, kind in dict(_PARAMETER.findall(sql.read(f"views/{view}.sql"))).items()
    ]
    return f"{view}({', '.join(values)})" if values else view


def _meanings(view: str, tables: _Comments) -> dict[str, str]:
    """Column -> meaning, by the view's header before those of what it reads, in that order."""
    text = sql.read(f"views/{view}.sql")
    found = header_entries(text)
    for source in dict.fromkeys(_SOURCE.findall(text)):
        if source in tables:
            found = {**tables[source], **found}
        elif source in view_files():
            found = {**_meanings(source, tables), **found}
    return found


def header_entries(text: str) -> dict[str, str]:
    """Column -> meaning, as the header of a view lists them."""
    entries: dict[str, str] = {}
    names: list[str] = []
    lines = text.splitlines()
    start = next((n for n, line in enumerate(lines) if line.startswith("-- columns:")), len(lines))
    for line in lines[start + 1 :]:
        entry, continued = _ENTRY.match(line), _CONTINUED.match(line)
        if entry:
            names = (entry[1] or entry[3]).split(", ")
            entries |= dict.fromkeys(names, (entry[2] or entry[4]).strip())
        elif continued and names:
            entries |= {name: f"{entries[name]} {continued[1].strip()}" for name in names}
        else:
            break
    return entries


def _table_comments() -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for file in schema_files():
        table = _TABLE.search(file.text)
        if table:
            found[table[1]] = dict(_COMMENT.findall(file.text))
        changed = _CHANGED.search(file.text)
        if changed and changed[1] in found:
            found[changed[1]] |= dict(_ADDED.findall(file.text))
    return found


def _plain(kind: str) -> str:
    while True:
        inner = _TYPE_SHELLS.fullmatch(kind)
        if inner is None:
            return kind
        kind = inner[1]


def page(connection: Connection) -> str:
    """``docs/views.md`` as it has to be."""
    parts = [_introduction()]
    for view, columns in described_views(connection).items():
        parts.append(f"## {view}\n\n{_about(view)}\n")
        parts.append("| column | type | meaning |\n|---|---|---|")
        parts += [
            f"| `{one.name}` | {_cell(one.kind)}{' or NULL' if one.nullable else ''} "
            f"| {_cell(_sentence(one.meaning))} |"
            for one in columns
        ]
        parts[-1] += "\n"
    return "\n".join(parts)


def _introduction() -> str:
    shared = sorted({*sql.names("queries")} & {*view_files()})
    told = f"{', '.join(f'`{name}`' for name in shared[:-1])} and `{shared[-1]}`"
    return _INTRODUCTION.format(shared=told, first=shared[0])


def _about(view: str) -> str:
    """The header down to its columns, and what stands below them, as sentences."""
    lines = sql.read(f"views/{view}.sql").splitlines()
    about: list[str] = []
    in_columns = False
    for line in lines:
        if not line.startswith("--"):
            break
        in_columns = (
            line.startswith(("-- columns:", "--  "))
            if in_columns
            else line.startswith("-- columns:")
        )
        if not in_columns:
            about.append(line.removeprefix("--").strip())
    told = " ".join(about).removeprefix(f"{view}: ")
    told = told[:1].upper() + told[1:]
    return re.sub(r" (grain|units): ", lambda m: f" {m[1].capitalize()}: ", told)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _sentence(meaning: str) -> str:
    """Beginning in upper case, unless it begins with a word of the ledger."""
    return meaning[:1].upper() + meaning[1:] if re.match(r"[a-z]+ (?!\|)", meaning) else meaning


def main() -> None:
    """Write the page."""
    with tempfile.TemporaryDirectory() as folder:
        store = Store.open(f"chdb://{folder}/ledger")
        with store.connect() as connection:
            migrate(connection)
            PAGE.write_text(page(connection), encoding="utf-8")
        store.close()


if __name__ == "__main__":
    main()
