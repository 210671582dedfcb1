"""Where the money goes, like a profiler: agents over what they called, as wide as their cost."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar, Final

from spanledger_collector.query import CostPathRow
from spanledger_collector.web import figures

_WIDTH = 1000.0
_ROW = 34.0
#: A frame that is narrower is not drawn: nobody could click it. The table has it.
_NARROWEST = 1.5
#: Boxes that are no further apart are beside each other.
_BESIDE = 0.001
_LETTER = 7.2
Path = tuple[tuple[str, str], ...]
#: What stands for a name that is empty, by the kind of the step.
_NAMELESS: Final = {
    "agent": "(outside any agent)",
    "model": "(no model)",
    "tool_price": "(price of the tool)",
    "person": "(a person)",
    "expense": "(an expense)",
    "loading": "(loading of a model)",
}
#: What tells a tone without its colour: before the name, and in words.
_MARKS: Final = {
    "up": ("▲ ", "dearer"),
    "down": ("▼ ", "cheaper"),
    "same": ("", "the same"),
    "unsure": ("? ", "the change is not known"),
}
#: Kinds that have a colour of their own; others have that of models.
_COLOURED: Final = ("agent", "tool")


@dataclass(frozen=True, slots=True)
class Frame:
    """One path.

    Attributes:
        row: its figures.
        label: its last name, cut to what fits; empty = nothing fits.
        name: its last name, whole.
        told: what it cost, as people read it; with a bound where that is one; against an earlier
            period also what it cost then, and whether it is dearer or cheaper.
        href: what a click shows.
        tone: ``up``, ``down``, ``same`` or ``unsure`` against the earlier period, else its kind.
    """

    row: CostPathRow
    label: str
    name: str
    told: str
    href: str
    tone: str
    x: float
    y: float
    width: float


@dataclass(frozen=True, slots=True)
class Rest:
    """Neighbours below one box, each too narrow for a box of its own.

    Attributes:
        told: how many there are.
        label: the same, cut to what fits; empty = nothing fits.
    """

    told: str
    label: str
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
    rests: Sequence[Rest] = ()


def flame(
    rows: Sequence[CostPathRow], zoom: Path, *, link: Callable[[CostPathRow], str],
    is_compared: bool,
) -> Flame:  # fmt: skip
    """Frames of the paths under ``zoom``, which fills the width."""
    placed = list(_placed(rows, zoom))
    frames = list(_frames(placed, link, is_compared=is_compared))
    rests = list(_rests(placed))
    about = (
        "Each box is an agent, below it what it called: tools, other agents, models; as wide as "
        "what was paid for it and for all below. "
        f"{'Credits make no box narrower. ' if credits_of(rows, zoom) else ''}"
        f"{'What is too narrow for a box of its own shares one. ' if rests else ''}"
        "Choose a box to see it alone. The table below has the same figures."
    )
    height = max((one.y for one in (*frames, *rests)), default=0.0) + _ROW
    return Flame("Cost by who called whom", about, frames, _WIDTH, height, is_compared, rests)


def path_of(row: CostPathRow) -> Path:
    """Kind and name of each step."""
    return tuple(zip(row.kinds, row.names, strict=True))


def name_of(row: CostPathRow) -> str:
    """Its last name as it is shown."""
    if not row.depth:
        return "all"
    kind, name = path_of(row)[-1]
    return figures.BLANK if name.isspace() else name or _NAMELESS.get(kind, "(no name)")


def tone_of(row: CostPathRow) -> str:
    """The colour of its kind."""
    if not row.depth:
        return "all"
    return row.kinds[-1] if row.kinds[-1] in _COLOURED else "model"


def in_order(rows: Sequence[CostPathRow]) -> list[CostPathRow]:
    """Each path before those below it, siblings as they were."""
    below: dict[Path, list[CostPathRow]] = defaultdict(list)
    for row in rows:
        if row.depth:
            below[path_of(row)[:-1]].append(row)
    pending = [row for row in rows if not row.depth]
    ordered: list[CostPathRow] = []
    while pending:
        row = pending.pop()
        ordered.append(row)
        pending += reversed(below[path_of(row)])
    return ordered


def credits_of(rows: Sequence[CostPathRow], zoom: Path) -> list[CostPathRow]:
    """What costs less than nothing at or below ``zoom``: it is in the amounts, and in no box.

    The largest credit first.
    """
    found = [row for row in _ends(rows) if path_of(row)[: len(zoom)] == zoom]
    costs = [(row.cost_usd, row) for row in found if row.cost_usd is not None and row.cost_usd < 0]
    return [row for _, row in sorted(costs, key=lambda told: told[0])]


def dearest(
    rows: Sequence[CostPathRow], zoom: Path, most: int, drawn: Sequence[Frame] = ()
) -> list[CostPathRow]:
    """So many of the paths, with all above them: those under ``zoom`` first, then the dearest.

    What an earlier period paid counts like what this one did; what is drawn is never left out.
    """
    if len(rows) <= most:
        return list(rows)

    def order(row: CostPathRow) -> tuple[bool, Decimal]:
        paid = max(abs(row.cost_usd or Decimal(0)), abs(row.before_cost_usd or Decimal(0)))
        return path_of(row)[: len(zoom)] != zoom, -paid

    chosen = [path_of(row) for row in sorted(rows, key=order)[:most]]
    chosen += [path_of(frame.row) for frame in drawn]
    kept = {path[:depth] for path in chosen for depth in range(len(path) + 1)}
    return [row for row in rows if path_of(row) in kept]


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a path stands, as wide as it is, however narrow."""

    row: CostPathRow
    path: Path
    x: float
    width: float

    @property
    def is_drawn(self) -> bool:
        """Whether it has a box of its own."""
        return self.width >= _NARROWEST


def _placed(rows: Sequence[CostPathRow], zoom: Path) -> Iterator[_Place]:
    """Parents come before their children; what is above the zoom fills the width."""
    weights = _weights(rows)
    scale = _WIDTH / float(weights.get(zoom) or 1)
    free: dict[Path, float] = {}
    for row in rows:
        path = path_of(row)
        above = path == zoom[: len(path)]
        if not above and path[: len(zoom)] != zoom:
            continue
        parent = path[:-1]
        x = 0.0 if above else free.get(parent, 0.0)
        width = _WIDTH if above else float(weights[path]) * scale
        if not above:
            free[parent] = x + width
        free[path] = x
        yield _Place(row, path, x, width)


def _frames(
    placed: Sequence[_Place], link: Callable[[CostPathRow], str], *, is_compared: bool
) -> Iterator[Frame]:
    for one in placed:
        if one.is_drawn:
            row, x, width = one.row, one.x, one.width
            name = name_of(row)
            tone = _tone(row) if is_compared else tone_of(row)
            y = row.depth * _ROW
            cost = figures.usd(row.cost_usd, at_least=bool(row.unpriced_attempts))
            mark = _MARKS[tone][0] if is_compared else ""
            yield Frame(
                row,
                _label(f"{mark}{name}", cost, width),
                name,
                f"{cost}, before {before_of(row)}: {_MARKS[tone][1]}" if is_compared else cost,
                link(row),
                tone,
                round(x, 2),
                y,
                round(width, 2),
            )


def _rests(placed: Sequence[_Place]) -> Iterator[Rest]:
    """One for all that are beside each other; where their caller has no box it is in one itself."""
    drawn = {one.path for one in placed if one.is_drawn}
    narrow: dict[Path, list[_Place]] = defaultdict(list)
    for one in placed:
        if one.width and not one.is_drawn and one.path[:-1] in drawn:
            narrow[one.path[:-1]].append(one)
    for beside in narrow.values():
        yield from filter(None, map(_rest, _neighbours(beside)))


def _neighbours(places: Sequence[_Place]) -> list[list[_Place]]:
    found: list[list[_Place]] = []
    for one in places:
        if found and abs(found[-1][-1].x + found[-1][-1].width - one.x) < _BESIDE:
            found[-1].append(one)
        else:
            found.append([one])
    return found


def _rest(places: Sequence[_Place]) -> Rest | None:
    """None where even together they are too narrow."""
    x = places[0].x
    width = places[-1].x + places[-1].width - x
    if width < _NARROWEST:
        return None
    told = figures.counted(len(places), "other")
    y = places[0].row.depth * _ROW
    return Rest(told, _cut(told, width), round(x, 2), y, round(width, 2))


def _weights(rows: Sequence[CostPathRow]) -> Mapping[Path, Decimal]:
    """What was paid at or below each path, without credits: a box holds those of all it called."""
    weights: dict[Path, Decimal] = defaultdict(Decimal)
    weights |= {path_of(row): max(row.cost_usd or Decimal(0), Decimal(0)) for row in _ends(rows)}
    for row in reversed(rows):  # callers come before what they called
        if row.depth:
            weights[path_of(row)[:-1]] += weights[path_of(row)]
    return weights


def _ends(rows: Sequence[CostPathRow]) -> list[CostPathRow]:
    """Those that called nothing: they sum to the whole."""
    callers = {path_of(row)[:-1] for row in rows if row.depth}
    return [row for row in rows if path_of(row) not in callers]


def before_of(row: CostPathRow) -> str:
    """What it cost in the period held against, as people read it."""
    if not row.before_attempts:
        return figures.NOTHING
    return figures.usd(row.before_cost_usd, at_least=bool(row.before_unpriced_attempts))


def _tone(row: CostPathRow) -> str:
    """Dearer and cheaper only where it is sure, whatever the unknown costs are."""
    change = row.change_usd
    if change is None:
        return "unsure"
    if change > 0 and row.change_is != "at_most":
        return "up"
    if change < 0 and row.change_is != "at_least":
        return "down"
    return "same" if row.change_is == "exact" else "unsure"


def _label(name: str, cost: str, width: float) -> str:
    """The name, and what it cost where both fit."""
    told = f"{name}  {cost}"
    return told if _cut(told, width) == told else _cut(name, width)


def _cut(name: str, width: float) -> str:
    letters = int((width - 12) / _LETTER)
    if letters >= len(name):
        return name
    return f"{name[: letters - 1]}…" if letters > 3 else ""  # noqa: PLR2004 - too short to read
