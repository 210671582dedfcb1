"""Cost flame graph: agent over tool over model, of one period or of two."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from spanledger_collector.query import CostPathRow, Ledger
from spanledger_collector.web.asked import Asked
from spanledger_collector.web.charts.flame import flame, in_order, name_of, path_of
from spanledger_collector.web.parts import Choice, Drawing, Note, Page, Part, Tabled
from spanledger_collector.web.table import Column, Table

from .columns import is_lower_bound


def page(ledger: Ledger, asked: Asked) -> Page:
    """The page."""
    before = asked.before() if asked.text("compare") == "before" else None
    rows = ledger.cost_paths(asked.part(), before)
    zoom = _zoom(asked)
    parts: list[Part] = []
    if asked.before() is not None:
        options = [
            ("This period", asked.again(compare=""), before is None),
            ("Against the one before", asked.again(compare="before"), before is not None),
        ]
        parts.append(Choice("Show", options))
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
    return Page("Cost flame graph", parts, "Where the money goes: agent, tool, model.")


def _zoom(asked: Asked) -> tuple[str, ...]:
    depth = asked.number("depth", 0, most=3)
    return (asked.text("at_agent"), asked.text("at_tool"), asked.text("at_model"))[:depth]


def _link(asked: Asked, row: CostPathRow) -> str:
    return _zoomed(asked, path_of(row))


def _zoomed(asked: Asked, path: tuple[str, ...]) -> str:
    names = dict(zip(("at_agent", "at_tool", "at_model"), (*path, "", "", ""), strict=False))
    return asked.again(depth=str(len(path)) if path else "", **names)


def _table(asked: Asked, rows: Sequence[CostPathRow], *, compared: bool) -> Table:
    named = [NamedPath(row, name_of(row)) for row in in_order(rows)]
    columns = [
        Column("Path", "name", link=lambda one: _link(asked, one.row)),
        Column("Attempts", "row.attempts", "count"),
        Column("Cost", "row.cost_usd", "usd", at_least=lambda one: is_lower_bound(one.row),
               blank=lambda one: not one.row.attempts),
        Column("Share", "row.cost_ratio", "ratio", "Of the cost of all."),
    ]  # fmt: skip
    if compared:
        columns += [
            Column("Before", "row.before_cost_usd", "usd_if_any", "In the period before."),
            Column("Change", "row.change_usd", "usd_if_any", "Cost less the cost before."),
        ]
    columns += [
        Column("Agent", "row.agent_name"),
        Column("Tool", "row.tool_name"),
        Column("Model", "row.model"),
    ]
    return Table(
        "paths", "Paths: agent, tool below it, model below that", columns, named,
        query="cost_paths", indent=lambda one: one.row.depth,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class NamedPath:
    """A path with its last name as it is shown."""

    row: CostPathRow
    name: str
