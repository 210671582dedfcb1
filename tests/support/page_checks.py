"""Whether a figure or a table of a page shows what the Python API tells, cell by cell."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from tests.support.page_asked import Asked
from tests.support.page_fields import Field, Usd, at
from tests.support.page_tables import Shown, table_of

from spanledger_collector.query import Estimate
from spanledger_collector.web.figures import MINUS, NOTHING, UNKNOWN, exact, printable, prose

#: Title, exact value and text of one cell.
Cell = tuple[str, str, str]
#: What stands where a text is empty.
_NAMELESS = re.compile(r"\(.+\)|standard|anywhere")
#: The drawing beside a row.
_DRAWN = "When"
_INTERVAL = "95% interval"


@dataclass(frozen=True, slots=True)
class Visit:
    """What one look at a page found; every test of that page asks this.

    Attributes:
        status: of the answer.
        faults: messages of the console, failed and foreign requests.
        inaccessible: what axe-core calls serious, in light and in dark.
        hacked: what hostile text left behind.
        foreign: scripts and images between the parts of the page.
        figures: the headline: title, exact value, text.
        tables: of each table, by id, its rows: title of the column, exact value and text, by cell.
        drawn: series of the charts that a script drew.
        cut: words of tables that are cut and nowhere to be read whole.
        narrow_width: how wide the page is on a telephone of 390 pixels.
    """

    status: int
    faults: Sequence[str]
    inaccessible: Sequence[str]
    hacked: object
    foreign: int
    figures: Sequence[Cell]
    tables: Mapping[str, Sequence[Sequence[Cell]]]
    drawn: int
    cut: Sequence[str]
    narrow_width: int


def check_table(page: str, table_id: str, lines: Sequence[Sequence[Cell]], asked: Asked) -> None:
    """Each row and column of it; one that nobody says how to check is a fault."""
    shown, place = table_of(page, table_id)
    titles = [title for title, _, _ in lines[0]]
    rows = shown.rows(replace(asked, titles=titles, place=place))
    assert len(lines) == len(rows) > 0, table_id
    fields = [_field(shown, titles, number) for number in range(len(titles))]
    for line, row in _paired(shown, lines, rows, dict(zip(titles, fields, strict=True))):
        for (title, value, text), field in zip(line, fields, strict=True):
            if title != _DRAWN:
                check(f"{table_id}: {title}", value, text, _told(row, field, title))


def _field(shown: Shown, titles: Sequence[str], place: int) -> Field:
    """An interval is of the column before it; two groups that are compared are columns 1 and 2."""
    title = titles[place]
    if title == _INTERVAL:
        return (shown.intervals or {})[titles[place - 1]]
    if title == _DRAWN:
        return lambda _: None
    side = f"column {place}"
    return shown.fields[side if side in shown.fields else title]


def _paired(
    shown: Shown,
    lines: Sequence[Sequence[Cell]],
    rows: Sequence[Any],
    fields: Mapping[str, Field],
) -> Sequence[tuple[Sequence[Cell], Any]]:
    """A line and its row: by place, or by what names both."""
    if not shown.key:
        return list(zip(lines, rows, strict=True))

    def of_line(line: Sequence[Cell]) -> tuple[str, ...]:
        told = {title: value or text for title, value, text in line}
        return tuple(told[title] for title in shown.key)

    def of_row(row: Any) -> tuple[str, ...]:
        told = [exact(_told(row, fields[title], title)) for title in shown.key]
        return tuple(printable(text) or NOTHING for text in told)

    return list(zip(sorted(lines, key=of_line), sorted(rows, key=of_row), strict=True))


def _told(row: Any, field: Field, title: str) -> Any:
    """What the API tells; an amount in USD is read as one, but where the title says the unit."""
    if callable(field):
        of: Callable[[Any], Any] = field
        return of(row)
    value = at(row, field)
    return Usd(value) if field.endswith("_usd") and not title.endswith("(USD)") else value


def check(what: str, value: str, text: str, told: Any) -> None:
    """A cell: every digit of the value behind it, and the text rounded as it reads.

    Of money a known zero, what is unknown and what nobody told are three things. Of all else there
    is either a figure, or nothing.
    """
    if isinstance(told, Usd):
        _check_money(what, value, text, told)
    elif isinstance(told, Estimate):
        assert value == f"{exact(told.low)} {exact(told.high)}".strip(), what
    elif isinstance(told, bool):
        assert text == ("yes" if told else "no"), what
    elif isinstance(told, datetime):
        assert text == f"{told:%Y-%m-%d %H:%M:%S}", what
    elif isinstance(told, str):
        plain = printable(told)
        # Sentences have the minus of figures.
        assert (
            text in (plain, prose(plain)) if told else text == NOTHING or _NAMELESS.fullmatch(text)
        ), what
    elif told is None or (not told and text == NOTHING):
        assert text == NOTHING, (what, text)
    else:
        assert "$" not in text, (what, text)
        assert Decimal(value) == Decimal(str(told)), (what, value, told)


def _check_money(what: str, value: str, text: str, told: Usd) -> None:
    if told.amount is None:
        assert (value, text) == ("", UNKNOWN if told.is_told else NOTHING), what
        return
    assert "$" in text, (what, text)
    assert Decimal(value) == told.amount, (what, value, told)
    _check_rounded(text, told.amount)


def _check_rounded(text: str, figure: Decimal) -> None:
    digits = re.sub(r"[≥≤$,+ ]", "", text).replace(MINUS, "-")
    places = len(digits.partition(".")[2])
    assert abs(Decimal(digits) - figure) <= Decimal(1).scaleb(-places) / 2
