"""The price book: what a token costs, since when, and since when we know it.

``book`` reads the book shipped in the wheel and an operator's own prices; ``match`` resolves model
ids; ``publish`` writes the rows into the ledger's table ``prices``. Multiplying usage by a rate
happens in one place only, the SQL of settling. ``build`` (developers only) makes the book.
"""

from .book import PriceBook
from .match import ModelMatch
from .publish import publish
from .row import OPEN_END, PriceRow, Rates, UnitRate

__all__ = [
    "OPEN_END",
    "ModelMatch",
    "PriceBook",
    "PriceRow",
    "Rates",
    "UnitRate",
    "publish",
]
