"""Tables that fit the terminal: what is copied or compared stays whole as long as possible."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from rich import box
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Column, Table
from rich.text import Text

_EMPTY = ("", "-")
_GAP = 2
_LEAST_WIDTH = 8
_LEGIBLE_WIDTH = 4
_NUMBER, _WHOLE, _PLAIN = ">", "=", " "
#: What is never folded, tried in this order until it fits.
_LAYOUTS = (_NUMBER + _WHOLE, _NUMBER, "")


@dataclass(frozen=True, slots=True)
class _Part:
    """One column: ``kind`` is ``>``, ``=`` or empty; ``width`` is that of its widest cell."""

    header: str
    kind: str
    cells: Sequence[str]
    width: int

    def least(self, kept: Collection[str]) -> int:
        whole = self.kind and self.kind in kept
        return self.width if whole else min(self.width, _LEAST_WIDTH)

    def column(self, kept: Collection[str]) -> Column:
        width = self.width if self.kind and self.kind in kept else None
        justify = "right" if self.kind == _NUMBER else "left"
        return Column(self.header, justify=justify, overflow="fold", width=width)


class Grid:
    """A table; columns without any value are left out.

    Where the terminal is too narrow, words fold first, then identifiers and times, then numbers;
    in the end the values stand one below the other. Nothing is ever cut off.

    Args:
        title: above it.
        columns: headers. ``>`` before one: numbers, right-aligned. ``=``: identifiers and times.
            A blank: neither, whatever the header begins with.
        rows: one cell a column, each rich markup.
    """

    def __init__(self, title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        self._title = title
        lines = list(rows)
        self._parts = [
            _part(marked, [line[place] for line in lines]) for place, marked in enumerate(columns)
        ]
        if lines:
            self._parts = [part for part in self._parts if not set(part.cells) <= set(_EMPTY)]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        gaps = _GAP * (len(self._parts) - 1)
        if sum(min(part.width, _LEGIBLE_WIDTH) for part in self._parts) + gaps > options.max_width:
            yield self._list()
            return
        kept = next(
            (
                layout
                for layout in _LAYOUTS
                if sum(part.least(layout) for part in self._parts) + gaps <= options.max_width
            ),
            "",
        )
        yield self._table(kept)

    def _list(self) -> Table:
        """One line a value: for more columns than can be read side by side."""
        result = Table.grid(Column(), Column(overflow="fold"), padding=(0, _GAP, 0, 0))
        result.title, result.title_justify, result.title_style = self._title, "left", "bold"
        for number, line in enumerate(zip(*(part.cells for part in self._parts), strict=True), 1):
            result.add_row("[dim]row[/]", f"[dim]{number}[/]")
            for part, cell in zip(self._parts, line, strict=True):
                result.add_row(part.header, cell)
        return result

    def _table(self, kept: Collection[str]) -> Table:
        result = Table(
            *(part.column(kept) for part in self._parts),
            title=self._title,
            title_justify="left",
            title_style="bold",
            box=box.SIMPLE_HEAD,
            show_edge=False,
            pad_edge=False,
            padding=(0, 1, 0, 0),
        )
        for line in zip(*(part.cells for part in self._parts), strict=True):
            result.add_row(*line)
        return result


def _part(marked: str, cells: Sequence[str]) -> _Part:
    mark = marked[:1] if marked[:1] in (_NUMBER, _WHOLE, _PLAIN) else ""
    header, kind = marked[len(mark) :], mark.strip()
    widths = [Text.from_markup(cell, emoji=False).cell_len for cell in cells]
    return _Part(header, kind, cells, max([*map(len, header.split()), *widths]))
