"""What a page is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar, TypeAlias

from .charts.flame import Flame
from .charts.scatter import Scatter
from .charts.waterfall import Waterfall
from .table import Table


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of the top of a page.

    Attributes:
        title: what it is.
        text: as people read it.
        value: exactly; empty = unknown.
        note: a second line: what it is of.
        href: where it is explained.
        tone: ``good``, ``bad`` or empty.
    """

    title: str
    text: str
    value: str = ""
    note: str = ""
    href: str = ""
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures of a page."""

    kind: ClassVar[str] = "figures"
    figures: Sequence[Figure]


@dataclass(frozen=True, slots=True)
class Note:
    """Sentences: what is to be known of the figures.

    Attributes:
        title: a heading; empty = none.
        lines: one sentence each; may hold names from telemetry.
        tone: ``warn`` or empty.
        links: text and address of links below.
    """

    kind: ClassVar[str] = "note"
    title: str
    lines: Sequence[str]
    tone: str = ""
    links: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True, slots=True)
class Choice:
    """A row of links of which one is chosen, such as what to divide by."""

    kind: ClassVar[str] = "choice"
    title: str
    options: Sequence[tuple[str, str, bool]]


@dataclass(frozen=True, slots=True)
class Tabled:
    """A table under a heading, with the chart that is drawn of it."""

    kind: ClassVar[str] = "table"
    title: str
    table: Table


@dataclass(frozen=True, slots=True)
class Drawing:
    """A chart that the server draws; the table after it tells the same."""

    kind: ClassVar[str] = "drawing"
    title: str
    chart: Waterfall | Flame | Scatter
    links: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True, slots=True)
class Pick:
    """A form that asks for two of a list."""

    kind: ClassVar[str] = "pick"
    title: str
    path: str
    options: Sequence[str]
    old: str
    new: str
    hidden: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Dates:
    """A form that asks for a second period.

    Attributes:
        title: what the period is for.
        path: the page that is asked.
        fields: label, word of the URL and day given, of its first and of its last day.
        hidden: further words of the URL.
    """

    kind: ClassVar[str] = "dates"
    title: str
    path: str
    fields: Sequence[tuple[str, str, str]]
    hidden: Sequence[tuple[str, str]]


Part: TypeAlias = Figures | Note | Choice | Tabled | Drawing | Pick | Dates


@dataclass(frozen=True, slots=True)
class Page:
    """A page.

    Attributes:
        title: its heading.
        parts: from top to bottom.
        about: one sentence: which question it answers.
        filters: which filters mean something here: ``period``, ``agent``, ``version``, ``tenant``.
        at: the entry of the navigation that it belongs to.
        name: what it is about, from telemetry; stands after the title.
        kept: further words of the URL that stay when a filter is set.
    """

    title: str
    parts: Sequence[Part]
    about: str = ""
    filters: frozenset[str] = field(
        default=frozenset({"period", "agent", "version", "tenant"}), kw_only=True
    )
    at: str = field(default="", kw_only=True)
    name: str = field(default="", kw_only=True)
    kept: Sequence[str] = field(default=(), kw_only=True)

    def tables(self) -> dict[str, Table]:
        """Its tables by id."""
        return {part.table.id: part.table for part in self.parts if isinstance(part, Tabled)}
