"""Where the money goes, like a profiler: agent over tool over model, as wide as their cost."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar

from spanledger_collector.query import CostPathRow

_WIDTH = 1000.0
_ROW = 34.0
#: A frame that is narrower is not drawn: nobody could click it. The table has it.
_NARROWEST = 1.5
_LETTER = 7.2
_LEVELS = 4


@dataclass(frozen=True, slots=True)
class Frame:
    """One path.

    Attributes:
        row: its figures.
        label: its last name, cut to what fits; empty = nothing fits.
        name: its last name, whole.
        href: what a click shows.
        tone: ``up``, ``down`` or ``same`` against the earlier period, else its level.
    """

    row: CostPathRow
    label: str
    name: str
    href: str
    tone: str
    x: float
    y: float
    width: float


@dataclass(frozen=True, slots=True)
class Flame:
    """The whole drawing."""

    kind: ClassVar[str] = "flame"
    title: str
    about: str
    frames: Sequence[Frame]
    width: float
    height: float
    is_compared: bool


def flame(
    rows: Sequence[CostPathRow], zoom: tuple[str, ...], *, link: Callable[[CostPathRow], str],
    is_compared: bool,
) -> Flame:  # fmt: skip
    """Frames of the paths under ``zoom`` (agent, or agent and tool), which fills the width."""
    frames = list(_frames(rows, zoom, link, is_compared=is_compared))
    about = (
        "Each box is an agent, a tool below it, a model below that, as wide as its cost. "
        "Choose a box to see it alone. The table below has the same figures."
    )
    return Flame(
        "Cost by agent, tool and model", about, frames, _WIDTH, _LEVELS * _ROW, is_compared
    )


def path_of(row: CostPathRow) -> tuple[str, ...]:
    """Its names, as many as it is deep."""
    return (row.agent_name, row.tool_name, row.model)[: row.depth]


def name_of(row: CostPathRow) -> str:
    """Its last name as it is shown."""
    if not row.depth:
        return "all"
    empty = ("(outside any agent)", "(no tool)", "(no model)")[row.depth - 1]
    return path_of(row)[-1] or empty


def in_order(rows: Sequence[CostPathRow]) -> list[CostPathRow]:
    """Each path before those below it, siblings as they were."""
    below: dict[tuple[str, ...], list[CostPathRow]] = defaultdict(list)
    for row in rows:
        if row.depth:
            below[path_of(row)[:-1]].append(row)
    pending = [row for row in rows if not row.depth]
    ordered: list[CostPathRow] = []
    while pending:
        row = pending.pop()
        ordered.append(row)
        if row.depth < _LEVELS - 1:
            pending += reversed(below[path_of(row)])
    return ordered


def _frames(
    rows: Sequence[CostPathRow], zoom: tuple[str, ...], link: Callable[[CostPathRow], str],
    *, is_compared: bool,
) -> Iterator[Frame]:  # fmt: skip
    """Parents come before their children; what is above the zoom fills the width."""
    by_path = {path_of(row): row for row in rows}
    top = by_path.get(zoom)
    scale = _WIDTH / float(_weight(top) or 1) if top else 0.0
    free: dict[tuple[str, ...], float] = {}
    for row in rows:
        path = path_of(row)
        above = path == zoom[: len(path)]
        if not above and path[: len(zoom)] != zoom:
            continue
        parent = path[:-1]
        x = 0.0 if above else free.get(parent, 0.0)
        width = _WIDTH if above else float(_weight(row)) * scale
        if not above:
            free[parent] = x + width
        free[path] = x
        if width >= _NARROWEST:
            name = name_of(row)
            tone = _tone(row) if is_compared else f"level{row.depth}"
            y = row.depth * _ROW
            yield Frame(
                row, _cut(name, width), name, link(row), tone, round(x, 2), y, round(width, 2)
            )


def _weight(row: CostPathRow) -> Decimal:
    return row.cost_usd or Decimal(0)


def _tone(row: CostPathRow) -> str:
    change = row.change_usd or Decimal(0)
    return "up" if change > 0 else "down" if change < 0 else "same"


def _cut(name: str, width: float) -> str:
    letters = int((width - 12) / _LETTER)
    if letters >= len(name):
        return name
    return f"{name[: letters - 1]}…" if letters > 3 else ""  # noqa: PLR2004 - too short to read
