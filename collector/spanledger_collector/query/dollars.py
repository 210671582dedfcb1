"""Money in sentences: the sign stands before the symbol, and is the hyphen that every terminal has.

Pages show it as they show it in figures (``web.figures.prose``).
"""

from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

_DIGITS: Final = 3


def in_dollars(amount: Decimal) -> str:
    """Three significant digits: an end of an interval is no sum of the ledger."""
    places = min(amount.adjusted() - _DIGITS + 1, 0) if amount else 0
    shown = amount.quantize(Decimal(1).scaleb(places), ROUND_HALF_EVEN)
    return f"{_sign(shown)}${abs(shown):,f}"


def exact_dollars(amount: Decimal) -> str:
    """Every digit, no zeros at the end."""
    return f"{_sign(amount)}${abs(amount).normalize():f}"


def _sign(amount: Decimal) -> str:
    return "-" if amount < 0 else ""
