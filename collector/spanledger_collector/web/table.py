"""Tables of typed rows: which fields are columns, how each is read, where its cells lead."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial, reduce
from typing import Any, Final

from spanledger_collector.query import Estimate

from . import figures

Show = Callable[[Any], str]
#: How a value reads, by the kind of its column; all but text stand to the right.
_PLAIN: Final[Mapping[str, Show]] = {
    "text": lambda value: figures.named(str(value)) or figures.NOTHING,
    "usd": figures.usd,
    "usd_if_told": lambda value: figures.NOTHING if value is None else figures.usd(value),
    "count": figures.count,
    "ratio": figures.ratio,
    "duration": figures.duration,
    "seconds": figures.seconds,
    "moment": figures.moment,
    "yes": lambda value: figures.UNKNOWN if value is None else "yes" if value else "no",
    "factor": lambda value: figures.NOTHING if value is None else figures.minus(f"{value:.3f}"),
    "exact": lambda value: figures.minus(figures.exact(value)) or figures.NOTHING,
}
#: Differences, whose sign is always told: of percentages in points.
_SIGNED: Final[Mapping[str, Show]] = {
    "usd": figures.usd,
    "ratio": figures.points,
    "duration": figures.time_apart,
}
KINDS: Final[Mapping[str, Show]] = {
    **_PLAIN,
    **{f"signed {kind}": partial(figures.signed, show) for kind, show in _SIGNED.items()},
}
#: What stands before a figure that is a bound.
_MARKS: Final = {"at least": figures.AT_LEAST, "at most": figures.AT_MOST, "": ""}
_TO_THE_LEFT: Final = frozenset({"text", "moment", "yes"})


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    Attributes:
        title: what stands above it.
        field: the attribute of a row, or a path of them (``cost_per_run.value``).
        kind: a key of :data:`KINDS`; with ``interval`` before it both ends of an Estimate.
        help: one sentence: what the figure is.
        link: where a cell leads, by row; empty = nowhere.
        at_least: whether the row's figure is a lower bound.
        at_most: whether it is an upper bound, as a margin is where a cost is unknown.
        name: what stands where the text is empty.
        blank: whether the row has no such figure, rather than an unknown one.
        unknown: whether the figure is not known, whatever the row says.
        unit: ends the kind, where each row has its own.
        measure: the unit in CSV, where the kind does not say it.
        brief: the attribute of a row, or a path, that says the same in few words: these stand in
            the cell, and open to the whole.
        is_prose: whether cells are sentences or addresses, which wrap; other text is cut.
    """

    title: str
    field: str
    kind: str = "text"
    help: str = ""
    link: Callable[[Any], str] | None = None
    at_least: Callable[[Any], bool] | None = None
    at_most: Callable[[Any], bool] | None = None
    name: str = ""
    blank: Callable[[Any], bool] | None = None
    unknown: Callable[[Any], bool] | None = None
    unit: Callable[[Any], str] | None = None
    measure: str = ""
    brief: str = ""
    is_prose: bool = False

    def kind_of(self, row: Any) -> str:
        """The kind of a cell."""
        return self.kind + (self.unit(row) if self.unit else "")

    @property
    def is_interval(self) -> bool:
        """Whether a cell is two ends."""
        return self.kind.startswith("interval ")

    @property
    def is_text(self) -> bool:
        """Whether cells stand to the left."""
        return self.kind in _TO_THE_LEFT

    def values(self, row: Any) -> list[Any]:
        """The exact values of a cell: one, or the two ends of an interval."""
        value = _at(row, self.field)
        if self.is_interval:
            return [value.low, value.high]
        return [None if self.unknown and self.unknown(row) else value]

    def bound(self, row: Any) -> str:
        """What the figure of a row is: ``at least`` or ``at most`` so much, or (empty) that."""
        is_none = bool(self.blank and self.blank(row)) or None in self.values(row)
        if is_none or not self.has_bounds:
            return ""
        if self.at_least and self.at_least(row):
            return "at least"
        return "at most" if self.at_most and self.at_most(row) else ""

    @property
    def has_bounds(self) -> bool:
        """Whether some rows may have a bound in place of a figure."""
        return not self.is_interval and bool(self.at_least or self.at_most)

    @property
    def may_be_unknown(self) -> bool:
        """Whether some rows may say that nobody knows it."""
        if self.is_interval:
            return False
        return self.kind in ("usd", "yes") or bool(self.unit or self.unknown)

    def is_unknown(self, row: Any) -> bool:
        """Whether a row says so: there is such a figure, and nobody knows it."""
        if not self.may_be_unknown or (self.blank and self.blank(row)):
            return False
        none_known = self.values(row) == [None]
        return none_known and KINDS[self.kind_of(row)](None) == figures.UNKNOWN


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell as the template prints it.

    Attributes:
        text: as people read it.
        value: exactly, for programs; empty = text says it.
        href: where it leads; empty = nowhere.
        note: what is told when it is pointed at.
        brief: the same in few words; empty = they are few.
        is_text: whether it is somebody's word.
    """

    text: str
    value: str = ""
    href: str = ""
    note: str = ""
    is_text: bool = False
    brief: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A table of a page.

    Attributes:
        id: names it on the page and in ``?csv=``.
        caption: what a row is.
        columns: the first one names the row.
        rows: typed rows.
        empty: what is said where there is none.
        query: the named query behind it; empty = it is more than rows.
        plot: the columns that a chart above it draws over the first one.
        link: where a figure leads, by row, whose column does not say; empty = nowhere.
        from_offset: reads the rows from a place on, for CSV, where ``rows`` are only some of them;
            none = there are no more.
        indent: how deep a row is in a tree; None = there is no tree.
        bars: places on the drawing in the last column, one a row.
    """

    id: str
    caption: str
    columns: Sequence[Column]
    rows: Sequence[Any]
    empty: str = "Nothing in this period."
    query: str = ""
    plot: Sequence[str] = ()
    indent: Callable[[Any], int] | None = None
    bars: Sequence[Any] = ()
    drawn: str = field(default="", kw_only=True)
    link: Callable[[Any], str] | None = field(default=None, kw_only=True)
    from_offset: Callable[[int], Sequence[Any]] | None = field(default=None, kw_only=True)

    def body(self) -> Iterator[tuple[int, list[Cell], Any]]:
        """Depth, cells and bar of each row."""
        for number, row in enumerate(self.rows):
            depth = 0 if self.indent is None else self.indent(row)
            bar = self.bars[number] if self.bars else None
            href = self.link(row) if self.link else ""
            yield depth, [cell(column, row, href) for column in self.columns], bar


def cell(column: Column, row: Any, otherwise: str = "") -> Cell:
    """The cell of a column in a row; a figure whose column has no link leads to ``otherwise``."""
    if column.blank and column.blank(row):
        return Cell(figures.NOTHING)
    href = column.link(row) if column.link else "" if column.is_text else otherwise
    if column.is_interval:
        return Cell(*_interval(column, row), href=href)
    (value,) = column.values(row)
    text = KINDS[column.kind_of(row)](value)
    if text == figures.NOTHING and column.kind != "text":
        href = ""  # nothing is explained by nothing
    if column.is_prose:
        text = figures.prose(text)
    if column.kind == "text":
        brief = _brief(column, row)
        brief = "" if brief == text else brief
        text = text if value else column.name or text
        return Cell(text, href=href, is_text=bool(value), brief=brief)
    if text != figures.NOTHING:
        text = f"{_MARKS[column.bound(row)]}{text}"
    return Cell(text, figures.exact(value), href, _note(column.kind_of(row), value))


def _brief(column: Column, row: Any) -> str:
    return figures.prose(figures.printable(str(_at(row, column.brief)))) if column.brief else ""


def _at(row: Any, path: str) -> Any:
    return reduce(getattr, path.split("."), row)


def _note(kind: str, value: Any) -> str:
    """Of money every digit."""
    if not kind.startswith("usd") or value is None:
        return ""
    return figures.exact_usd(value)


def _interval(column: Column, row: Any) -> tuple[str, str]:
    low, high = column.values(row)
    show = KINDS[column.kind_of(row).removeprefix("interval ")]
    exact = f"{figures.exact(low)} {figures.exact(high)}".strip()
    return figures.between(low, high, show) or figures.NOTHING, exact


def estimate(
    title: str, field: str, kind: str, help: str = "",  # noqa: A002
    *, blank: Callable[[Any], bool] | None = None,
    at_least: Callable[[Any], bool] | None = None, at_most: Callable[[Any], bool] | None = None,
) -> list[Column]:  # fmt: skip
    """The two columns of an Estimate: the figure and its interval."""
    return [
        Column(
            title, f"{field}.value", kind, help, blank=blank, at_least=at_least, at_most=at_most
        ),
        Column("95% interval", field, f"interval {kind}", "Of such intervals 95% hold the truth."),
    ]


@dataclass(frozen=True, slots=True)
class NamedEstimate:
    """A figure with its doubt, as a row."""

    name: str
    kind: str
    told: Estimate
