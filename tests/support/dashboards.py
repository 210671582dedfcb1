"""The dashboards as they are committed, and their statements as Grafana sends them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from dashboards.description import DASHBOARDS, SQL, Panel

MADE = SQL.parent / "grafana"
PANELS = [one for board in DASHBOARDS for one in board.panels if isinstance(one, Panel)]
#: The plug-in's macros as it writes them out, and variables as Grafana does.
_MACROS = (
    (r"\$__dateFilter\((\w+)\)", r"\1 >= toDate('2020-01-01') AND \1 <= toDate('2099-12-31')"),
    (
        r"\$__timeFilter\((\w+)\)",
        r"\1 >= toDateTime(1577836800) AND \1 <= toDateTime(4102444799)",
    ),
)
_HEX = {"agent": ("analyst", "support"), "version": ("1", "2")}


def expanded(
    statement: str, *, all_agents: bool = False, chosen: Mapping[str, Sequence[str]] | None = None
) -> str:
    """A statement as it reaches ClickHouse.

    Args:
        statement: with macros and variables.
        all_agents: everything is chosen, of agents and versions.
        chosen: values of ``agent`` and ``version``, else those of two agents; of ``workspace`` one.
    """
    chosen = chosen or {}
    condition = r"\$__conditionalAll\((.+\)), \$(?:agent|version)\)"
    statement = re.sub(condition, "1=1" if all_agents else r"\1", statement)
    for macro, written in _MACROS:
        statement = re.sub(macro, written, statement)
    for name, names in _HEX.items():
        values = chosen.get(name) or [one.encode().hex().upper() for one in names]
        statement = statement.replace(f"${{{name}:sqlstring}}", sqlstring(values))
    (workspace,) = chosen.get("workspace", ["default"])
    statement = statement.replace("${workspace:percentencode}", quote(workspace, safe="~"))
    assert "$" not in statement
    return statement


def sqlstring(values: Sequence[str]) -> str:
    """As Grafana's format of that name: a quote is doubled, a backslash stays."""
    doubled = [value.replace("'", "''") for value in values]
    return ",".join(f"'{value}'" for value in doubled)


def links_of(title: str) -> Mapping[str, str]:
    """Column of a committed table -> the address that its cells lead to."""
    (made,) = [
        panel
        for path in MADE.glob("*.json")
        for panel in json.loads(path.read_text())["panels"]
        if panel["title"] == title
    ]
    return {
        override["matcher"]["options"]: override["properties"][0]["value"][0]["url"]
        for override in made["fieldConfig"]["overrides"]
        if override["matcher"]["id"] == "byName"
    }


def check_nested_set(rows: Sequence[Mapping[str, Any]]) -> None:
    """Rows of a flame graph place as Grafana places them, each within its parent.

    A walk down: each level is one deeper at most, and one root is all of it.
    """
    assert [row["level"] for row in rows].count(0) == 1
    ends: list[Decimal] = []  # where the last row of each level ends
    free: list[Decimal] = []  # where the next row below it begins
    for number, row in enumerate(rows):
        level = row["level"]
        assert level <= len(ends) if number else level == 0
        begin = free[level - 1] if level else Decimal(0)
        end = begin + row["value"]
        assert row["value"] > 0
        assert 0 <= (row["self"] or 0) <= row["value"]
        del ends[level:], free[level:]
        if level:
            assert end <= ends[level - 1]
            free[level - 1] = end
        ends.append(end)
        free.append(begin)
    assert sum(row["self"] or 0 for row in rows) == rows[0]["value"]
