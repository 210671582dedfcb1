"""How answers look: tables for people, JSON for programs, money without rounding.

Cells are rich markup: text from telemetry goes through :func:`text`, which makes it harmless.
"""

import dataclasses
import os
from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar

import orjson
from rich.console import Console, RenderableType
from rich.markup import escape

T = TypeVar("T")

_SECOND_NS = 1_000_000_000
_MILLISECOND_NS = 1_000_000
_NO_TERMINAL_WIDTH = 100_000

#: Instead of an empty table.
NOTHING_FOUND = (
    "No runs here. A run appears about three seconds after its last span arrives; "
    "`spanledger doctor` tells what is instrumented and whether the collector answers."
)


def console(*, stderr: bool = False) -> Console:
    """Where tables go. Made anew each time, so that redirected output is honoured.

    A file or a pipe has no width, so nothing is folded there (``COLUMNS`` sets one). No emoji codes
    and no highlighting: what telemetry says is shown as it is.
    """
    out = Console(stderr=stderr, emoji=False, highlight=False)
    if not out.is_terminal and "COLUMNS" not in os.environ:
        out.width = _NO_TERMINAL_WIDTH
    return out


def answer(
    rows: Sequence[T],
    table: Callable[[Sequence[T]], RenderableType],
    *,
    as_json: bool,
    nothing: str = NOTHING_FOUND,
) -> None:
    """What a verb that reads says: rows as JSON, or as a table, or that there are none.

    Args:
        rows: what was found.
        table: the rows as people read them; not asked when there are none.
        as_json: every field instead.
        nothing: said instead of an empty table.
    """
    if as_json:
        print_json(rows)
    else:
        console().print(table(rows) if rows else nothing)


def fail(message: str) -> None:
    """One clear line (or a few) on standard error."""
    console(stderr=True).print(f"[bold red]spanledger:[/] {printable(message)}", soft_wrap=True)


def usd(amount: Decimal | None) -> str:
    """Money, every digit: ``$0.0012``, ``-$0.5``; unknown money says so."""
    if amount is None:
        return "[yellow]unknown[/]"
    return f"{'-' if amount < 0 else ''}${plain_decimal(abs(amount))}"


def cost(amount: Decimal | None, *, attempts: int, unpriced: int, stand_in: int = 0) -> str:
    """A sum over attempts, a dash when there was none.

    ``≥`` when the cost of some is not wholly known; ``~`` when standard rates stand in for those of
    another tier in some, which may be more than they cost.
    """
    if not attempts:
        return "-"
    sign = "~" if stand_in else "≥" if unpriced else ""
    return ("" if amount is None else sign) + usd(amount)


def rework(amount: Decimal | None, *, unknown: int) -> str:
    """The wasted part of a sum, a dash where none was; ``≥`` when the cost of some is unknown."""
    return cost(amount, attempts=unknown or bool(amount), unpriced=unknown)


def margin(amount: Decimal | None, *, unpriced: int) -> str:
    """What is left of a value, a dash where there is none; ``≤`` where some cost is not known."""
    return "-" if amount is None else ("≤" if unpriced else "") + usd(amount)


def coverage(known: int, attempts: int) -> str:
    """The share of attempts whose cost is wholly known: what stands beside every total."""
    return "-" if not attempts else f"{known / attempts:.1%}"


def share(part: Decimal | None, whole: Decimal | None) -> str:
    """A part of a sum as a percentage; nothing shows as a dash."""
    return f"{part / whole:.1%}" if part and whole else "-"


def usd_if_any(amount: Decimal | None) -> str:
    """As :func:`usd`, for a part of a sum: nothing (or nothing known) shows as a dash."""
    return usd(amount) if amount else "-"


def plain_decimal(number: Decimal) -> str:
    """All digits, no exponent, no trailing zeros."""
    digits = f"{number:f}"
    return digits.rstrip("0").rstrip(".") if "." in digits else digits


def seconds(duration_ns: int) -> str:
    """A duration as people read it."""
    if duration_ns <= 0:
        return "-"
    if duration_ns < _SECOND_NS:
        return f"{duration_ns / _MILLISECOND_NS:.0f} ms"
    return f"{duration_ns / _SECOND_NS:,.2f} s"


def count(number: int) -> str:
    """A count; nothing shows as a dash."""
    return f"{number:,}" if number else "-"


def counted(number: int, what: str, several: str = "") -> str:
    """A count with its noun: ``1 row``, ``2 rows``."""
    return f"{number:,} {what if number == 1 else several or what + 's'}"


def printable(value: str) -> str:
    """A string that cannot move the cursor, change colours, reorder text or be read as markup."""
    return escape("".join(c if c.isprintable() or c == "\n" else "?" for c in value))


def text(value: str) -> str:
    """A string from telemetry on one line, made harmless for the terminal; empty = a dash."""
    return printable(value.replace("\n", "?")) or "-"


def print_json(value: Any) -> None:
    """JSON on standard output: Decimals as strings (exact), times as ISO 8601."""
    options = orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS
    data = orjson.dumps(value, default=_plain, option=options)
    console().file.write(data.decode() + "\n")


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, datetime):
        return value.isoformat()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    return str(value)
