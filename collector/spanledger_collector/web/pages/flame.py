"""Cost flame graph: agents over what they called, of one period or of two."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

from spanledger_collector.errors import PermanentError
from spanledger_collector.query import CostPathRow, Ledger
from spanledger_collector.web.asked import KEPT, Asked
from spanledger_collector.web.charts.flame import Path, flame, in_order, name_of, path_of
from spanledger_collector.web.charts.spans import DEEPEST
from spanledger_collector.web.parts import Choice, Dates, Drawing, Note, Page, Part, Tabled
from spanledger_collector.web.table import Column, Table

from .columns import is_lower_bound

#: Words of the URL: first and last day of the period that is held against.
_OTHER: Final = ("before_since", "before_until")


def page(ledger: Ledger, asked: Asked) -> Page:
    """The page."""
    before = asked.held_against()
    rows = ledger.cost_paths(asked.part(), before)
    zoom = _zoom(asked)
    parts: list[Part] = []
    choices = _choices(asked, is_compared=before is not None)
    if len(choices) > 1:
        parts.append(Choice("Show", choices))
    parts.append(_other_period(asked))
    if before is not None:
        times = f"Held against {before[0]:%Y-%m-%d %H:%M} to {before[1]:%Y-%m-%d %H:%M} UTC."
        parts.append(Note("", [times]))
    if rows:
        drawn = flame(
            rows, zoom, link=lambda row: _link(asked, row), is_compared=before is not None
        )
        links = [("Show all", _zoomed(asked, ()))] if zoom else []
        parts.append(Drawing("Where the money goes", drawn, links))
    parts.append(Tabled("The same in figures", _table(asked, rows, compared=before is not None)))
    return Page(
        "Cost flame graph", parts, "Where the money goes: agents and what they called.",
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


def _zoom(asked: Asked) -> Path:
    """The box that is looked at alone: ``at``, a list of kinds and names as JSON."""
    told = asked.text("at")
    try:
        steps: Any = json.loads(told or "[]")
        path = tuple((kind, name) for kind, name in steps)
    except (ValueError, TypeError, RecursionError):
        path = ((None, None),)
    if not all(isinstance(text, str) for step in path for text in step):
        raise PermanentError(f"at = {told[:50]!r} is no box of this page: choose one there")
    return cast("Path", path)


def _link(asked: Asked, row: CostPathRow) -> str:
    return _zoomed(asked, path_of(row))


def _runs(asked: Asked, agent: str) -> str:
    """A filter without a word means all: what is outside of any agent leads nowhere."""
    return asked.link("runs", agent=agent) if agent else ""


def _zoomed(asked: Asked, path: Path) -> str:
    return asked.again(
        at=json.dumps(path, ensure_ascii=False, separators=(",", ":")) if path else ""
    )


def _table(asked: Asked, rows: Sequence[CostPathRow], *, compared: bool) -> Table:
    named = [_named(row) for row in in_order(rows)]
    columns = [
        Column("Path", "name", link=lambda one: _link(asked, one.row)),
        Column("Kind", "kind"),
        Column("Attempts", "row.attempts", "count"),
        Column("Cost", "row.cost_usd", "usd", "Of it and of all below; leads to the runs.",
               at_least=lambda one: is_lower_bound(one.row),
               blank=lambda one: not one.row.attempts),
        Column("Share", "row.cost_ratio", "ratio", "Of the cost of all."),
    ]  # fmt: skip
    if compared:
        columns += [
            Column("Before", "row.before_cost_usd", "usd_if_told", "In the period held against."),
            Column("Change", "row.change_usd", "usd_if_told", "Cost less the cost before."),
        ]
    columns.append(Column("Called by", "called_by"))
    return Table(
        "paths", "Each agent, tool and model below what called it, with the cost of all below",
        columns, named, query="cost_paths", indent=lambda one: min(one.row.depth, DEEPEST),
        link=lambda one: _runs(asked, one.agent or asked.text("agent")) or asked.link("attempts"),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class NamedPath:
    """A path as it is shown: its last name, what that is, and what stands above it."""

    row: CostPathRow
    name: str
    kind: str
    called_by: str
    agent: str


def _named(row: CostPathRow) -> NamedPath:
    kind = row.kinds[-1].replace("_", " ") if row.depth else ""
    agents = [name for kind, name in path_of(row) if kind == "agent"]
    agent = agents[-1] if agents else ""
    return NamedPath(row, name_of(row), kind, " > ".join(row.names[:-1]), agent)
