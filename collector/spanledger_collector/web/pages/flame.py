"""Cost flame graph: agents over what they called, of one period or of two."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from spanledger_collector.query import CostPathRow, Ledger
from spanledger_collector.web import figures
from spanledger_collector.web.asked import KEPT, Asked, compact
from spanledger_collector.web.charts.flame import (
    Path,
    before_of,
    credits_of,
    dearest,
    flame,
    in_order,
    name_of,
    path_of,
)
from spanledger_collector.web.charts.spans import DEEPEST
from spanledger_collector.web.parts import Choice, Dates, Drawing, Note, Page, Part, Tabled
from spanledger_collector.web.table import Column, Table

from .columns import is_lower_bound

_NO_BOX: Final = "no attempts of it in this period; all are shown."
#: Rows of the table: of many more a reader finds none, and a browser is slow.
_SHOWN: Final = 300
#: So many of what has no box are named.
_NAMED: Final = 5
_OWN_ALONE: Final = "Of the filter's own work alone: what it handed on to sub-agents is in no box."
#: Words of the URL: first and last day of the period that is held against.
_OTHER: Final = ("before_since", "before_until")


def page(ledger: Ledger, asked: Asked) -> Page:
    """The page."""
    before = asked.held_against()
    rows = ledger.cost_paths(asked.part(), before)
    zoom = asked.steps("at")
    parts: list[Part] = []
    if zoom and not any(path_of(row) == zoom and row.attempts for row in rows):
        parts.append(Note("", [f"{' > '.join(name for _, name in zoom)}: {_NO_BOX}"], "warn"))
        zoom = ()
    choices = _choices(asked, is_compared=before is not None)
    if len(choices) > 1:
        parts.append(Choice("Show", choices))
    parts.append(_other_period(asked))
    if before is not None:
        times = f"Held against {before[0]:%Y-%m-%d %H:%M} to {before[1]:%Y-%m-%d %H:%M} UTC."
        parts.append(Note("", [times]))
    if asked.text("agent") or asked.text("version"):
        parts.append(
            Note("", [_OWN_ALONE], links=[("All agents", asked.again(agent="", version="", at=""))])
        )
    drawn = flame(rows, zoom, link=lambda row: _link(asked, row), is_compared=before is not None)
    if rows:
        links = [("Show all", _zoomed(asked, ()))] if zoom else []
        parts.append(Drawing("Where the money goes", drawn, links))
        parts += _credits(rows, zoom)
        if before is not None:
            parts += _gone(rows)
    shown = dearest(rows, zoom, _SHOWN, drawn.frames)
    if len(shown) < len(rows):
        rest = f"The dearest {len(shown):,} of {len(rows):,} paths; the CSV has them all."
        parts.append(Note("", [rest], links=[("All paths as CSV", asked.again(csv="paths"))]))
    parts.append(Tabled("The same in figures", _table(asked, rows, shown, before)))
    return Page(
        "Cost flame graph", parts,
        "Where the money goes: agents and what they called. Variable cost, without shares of "
        "assets, by start of the call.",
        kept=("at", *_OTHER),
    )  # fmt: skip


def _choices(asked: Asked, *, is_compared: bool) -> Sequence[tuple[str, str, bool]]:
    """This period alone, against the one before where it has a start, or against any other."""
    is_other = is_compared and any(asked.text(name) for name in _OTHER)
    without = dict.fromkeys(_OTHER, "")
    options = [("This period", asked.again(compare="", **without), not is_compared)]
    if asked.before() is not None:
        before = asked.again(compare="before", **without)
        options.append(("Against the one before", before, is_compared and not is_other))
    return [*options, ("Against another", asked.again(), True)] if is_other else options


def _other_period(asked: Asked) -> Dates:
    kept = [(name, asked.text(name)) for name in (*KEPT, "at")]
    labels = ("Against days from", "to")
    fields = [(label, name, asked.text(name)) for label, name in zip(labels, _OTHER, strict=True)]
    return Dates("Against another period", "flame", fields, [(k, v) for k, v in kept if v])


def _gone(rows: Sequence[CostPathRow]) -> Sequence[Part]:
    """What the period held against had and this one has not: it has no width, so it is told."""
    there = {path_of(row) for row in rows if row.attempts}
    gone = [row for row in rows if not row.attempts and (path_of(row)[:-1] in there)]
    if not gone:
        return []
    lines = [*_listed(gone, before_of), "They are in no box; the table has them."]
    return [Note("Gone since then", lines)]


def _credits(rows: Sequence[CostPathRow], zoom: Path) -> Sequence[Part]:
    """Costs below 0: no box can be as wide as them, so they are told."""
    found = credits_of(rows, zoom)
    if not found:
        return []
    told = _listed(found, lambda row: figures.usd(row.cost_usd, at_least=is_lower_bound(row)))
    last = "They are in the amounts of the boxes, and make none narrower; the table has them."
    return [Note("Credits", [*told, last])]


def _listed(rows: Sequence[CostPathRow], amount: Callable[[CostPathRow], str]) -> Sequence[str]:
    """The first few by their whole paths."""
    told = [f"{' > '.join((*row.names[:-1], name_of(row)))}: {amount(row)}" for row in rows]
    return [*told[:_NAMED], *([f"and {len(told) - _NAMED:,} more"] if len(told) > _NAMED else [])]


def _link(asked: Asked, row: CostPathRow) -> str:
    return _zoomed(asked, path_of(row))


def _zoomed(asked: Asked, path: Path) -> str:
    return asked.again(at=compact(path))


def _behind(asked: Asked, **period: str) -> Callable[[NamedPath], str]:
    """The attempts that a figure sums."""
    return lambda one: asked.link("attempts", path=compact(path_of(one.row)), **period)


def _table(
    asked: Asked,
    rows: Sequence[CostPathRow],
    shown: Sequence[CostPathRow],
    before: tuple[datetime, datetime] | None,
) -> Table:
    columns = [
        Column("Path", "name", link=lambda one: _link(asked, one.row)),
        Column("Kind", "kind"),
        Column("Attempts", "row.attempts", "count"),
        Column("Cost", "row.cost_usd", "usd", "Of it and of all below; leads to its attempts.",
               at_least=lambda one: is_lower_bound(one.row),
               blank=lambda one: not one.row.attempts),
        Column("Share", "row.cost_ratio", "ratio", "Of the cost of all."),
    ]  # fmt: skip
    if before is not None:
        since, until = (at.isoformat() for at in before)
        columns += [
            Column(
                "Before",
                "row.before_cost_usd",
                "usd",
                "In the period held against.",
                link=_behind(asked, range="", since=since, until=until),
                blank=lambda one: not one.row.before_attempts,
                at_least=lambda one: bool(one.row.before_unpriced_attempts),
            ),
            Column(
                "Change",
                "row.change_usd",
                "signed usd",
                "Cost less the cost before.",
                at_least=lambda one: one.row.change_is == "at_least",
                at_most=lambda one: one.row.change_is == "at_most",
            ),
        ]
    columns.append(Column("Called by", "called_by"))
    return Table(
        "paths", "Each agent, tool and model below what called it, with the cost of all below",
        columns, _all_named(shown), query="cost_paths", link=_behind(asked),
        indent=lambda one: min(one.row.depth, DEEPEST),
        from_offset=lambda offset: _all_named(rows)[offset:],
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class NamedPath:
    """A path as it is shown: its last name, what that is, and what stands above it."""

    row: CostPathRow
    name: str
    kind: str
    called_by: str


def _all_named(rows: Sequence[CostPathRow]) -> list[NamedPath]:
    return [_named(row) for row in in_order(rows)]


def _named(row: CostPathRow) -> NamedPath:
    kind = row.kinds[-1].replace("_", " ") if row.depth else ""
    return NamedPath(row, name_of(row), kind, " > ".join(row.names[:-1]))
