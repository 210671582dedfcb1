"""Numbers as people read them; the exact value stays beside each (``<data value>``, CSV, title)."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

_SECOND_NS = 1_000_000_000
_MILLISECOND_NS = 1_000_000
_SECOND_MS = 1000
_MINUTE_SECONDS = 60
_HOUR_SECONDS = 3600
_SIGNIFICANT = 3
_CENT_FROM = Decimal(1)
_WHOLE_FROM = Decimal(100_000)
#: What stands where there is nothing to tell.
NOTHING = "\N{EN DASH}"
UNKNOWN = "unknown"
#: The sign of money in a sentence.
_BELOW_ZERO = re.compile(r"(?<![\w$.-])-(?=\$\d)")
MINUS = "\N{MINUS SIGN}"
#: Before an amount that is so much or more, and so much or less.
AT_LEAST = "\N{GREATER-THAN OR EQUAL TO} "
AT_MOST = "\N{LESS-THAN OR EQUAL TO} "
#: Invisible, and part of how letters beside them are written.
_JOINERS = "\N{ZERO WIDTH NON-JOINER}\N{ZERO WIDTH JOINER}"
#: The last letter of Latin scripts and their like.
_LATIN = "\u02ff"
#: What stands for text of nothing but blanks.
BLANK = "(blank)"


def usd(amount: Decimal | None, *, at_least: bool = False) -> str:
    """Money: cents from a dollar on, three significant digits below; ``≥`` for a lower bound."""
    if amount is None:
        return UNKNOWN
    sign = MINUS if amount < 0 else ""
    return f"{AT_LEAST if at_least else ''}{sign}${_digits(abs(amount))}"


def _digits(amount: Decimal) -> str:
    """What is rounded up to the next size reads as that."""
    cents = round(amount, 2)
    if cents >= _WHOLE_FROM:
        return f"{amount:,.0f}"
    if amount >= _CENT_FROM or not amount:
        return f"{cents:,.2f}"
    rounded = round(amount, _SIGNIFICANT - 1 - amount.adjusted())
    return f"{rounded:.{max(_SIGNIFICANT - 1 - rounded.adjusted(), 2)}f}"


def signed(show: Callable[[Any], str], value: Any) -> str:
    """A difference in some unit, with its sign."""
    return f"{MINUS if value < 0 else '+'}{show(abs(value))}" if value else show(value)


def exact(number: object) -> str:
    """Every digit, no exponent, no zeros at the end; what is not known is empty."""
    if number is None:
        return ""
    if isinstance(number, float) and math.isfinite(number):
        number = Decimal(repr(number))
    if isinstance(number, Decimal):
        digits = f"{number:f}"
        return digits.rstrip("0").rstrip(".") if "." in digits else digits
    if isinstance(number, datetime | date):
        return number.isoformat()
    return str(number)


def exact_usd(amount: Decimal) -> str:
    """Money with every digit."""
    return f"{MINUS if amount < 0 else ''}${exact(abs(amount))}"


def count(number: int | Decimal | None) -> str:
    """A count; none that is known is 0."""
    if number is None:
        return NOTHING
    return minus(f"{number.normalize():,f}" if isinstance(number, Decimal) else f"{number:,}")


def minus(digits: str) -> str:
    """A number in digits with the sign that amounts have, too."""
    return f"{MINUS}{digits[1:]}" if digits.startswith("-") else digits


def prose(sentence: str) -> str:
    """A sentence, whoever wrote it, with the sign that amounts have."""
    return _BELOW_ZERO.sub(MINUS, sentence)


def counted(number: int, what: str, several: str = "") -> str:
    """A count with its noun: ``1 retry``, ``2 retries``."""
    return f"{number:,} {what if number == 1 else several or what + 's'}"


def ratio(share: float | Decimal | None) -> str:
    """A share of one as a percentage; almost all is not all, and almost none not none."""
    if share is None:
        return NOTHING
    size = abs(share)
    told, sign = f"{size:.1%}", MINUS if share < 0 else ""
    more, less = ("<", ">") if sign else (">", "<")
    if told == "100.0%" and size < 1:
        return f"{more} {sign}99.9%"
    return f"{less} {sign}0.1%" if told == "0.0%" and size else f"{sign}{told}"


def points(share: float | Decimal | None) -> str:
    """A difference of shares of one, in percentage points."""
    return ratio(share).replace("%", " points")


def time_apart(time_ns: Decimal | float | None) -> str:
    """A difference of times, of which none is told too."""
    return "0 s" if time_ns == 0 else duration(time_ns)


def duration(time_ns: Decimal | float | None) -> str:
    """Nanoseconds in the unit that reads best."""
    if not time_ns or time_ns <= 0:
        return NOTHING
    if time_ns < _MILLISECOND_NS:
        return "< 1 ms"
    milliseconds = round(time_ns / _MILLISECOND_NS)
    if milliseconds < _SECOND_MS:
        return f"{milliseconds} ms"
    seconds = float(time_ns) / _SECOND_NS
    if round(seconds, 2) < _MINUTE_SECONDS:
        return f"{seconds:.2f} s"
    whole = round(seconds)
    if whole < _HOUR_SECONDS:
        return f"{whole // _MINUTE_SECONDS} min {whole % _MINUTE_SECONDS:02d} s"
    return f"{whole // _HOUR_SECONDS} h {whole % _HOUR_SECONDS // _MINUTE_SECONDS:02d} min"


def between(low: Any, high: Any, show: Callable[[Any], str]) -> str:
    """An interval; the end there is, where it is without bound to the other side; or nothing."""
    if low is None:
        return "" if high is None else f"{show(high)} or less"
    return f"{show(low)} or more" if high is None else f"{show(low)} to {show(high)}"


def seconds(number: float | None) -> str:
    """Seconds."""
    return duration(None if number is None else number * _SECOND_NS)


def moment(at: datetime | None) -> str:
    """A time, UTC."""
    return NOTHING if at is None else f"{at:%Y-%m-%d %H:%M:%S}"


def printable(value: str) -> str:
    """Text from telemetry without what moves, hides or reorders other text.

    Joiners stay after a letter or a picture that they may join: without them Persian and Indic
    names and some emoji are others; in Latin ones they would only hide. Blanks of every width read
    as one.
    """
    return "".join(map(_printable, value, f" {value}"))


def _printable(character: str, before: str) -> str:
    joins = character in _JOINERS and before.isprintable() and before > _LATIN
    if character.isprintable() or joins:
        return character
    if unicodedata.category(character) == "Zs":
        return " "
    return "\N{REPLACEMENT CHARACTER}"


def named(value: str) -> str:
    """The same of a name; of one that nobody would see it says so, as a link needs some text."""
    return BLANK if value.isspace() else printable(value)


def power_of_ten(exponent: int) -> str:
    """Ten to that power, written out."""
    return exact(Decimal(1).scaleb(exponent)) if exponent < 0 else f"{10**exponent:,}"
