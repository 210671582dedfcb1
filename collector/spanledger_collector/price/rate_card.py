"""Writes the SDK's rate card from the price book (a developer's command).

``python -m spanledger_collector.price.rate_card``; ``make prices`` runs it after the book. The card
holds what stands on the day the book was last changed: list prices in USD, by service tier and
length of the input, and the names by which an id finds them. Prices of a region and of hours of the
day are left out, an older or a later price too. Rates are whole atto-USD (1e-18) per token, rounded
up where the book's are finer.
"""

import argparse
import json
from collections.abc import Iterable, Sequence
from decimal import ROUND_CEILING, Decimal
from pathlib import Path
from typing import Any

from spanledger import rates
from spanledger.rates.listings import Listing

from .book import PriceBook
from .bookfile import pack, unpack
from .row import PriceRow, UnitRate

OUT = Path(rates.__file__).with_name("card.json.xz")
COMMAND = "python -m spanledger_collector.price.rate_card"
_ATTO = 10**18


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the card, or with ``--check`` only say whether it is up to date."""
    parser = argparse.ArgumentParser(prog=COMMAND, description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail when stale")
    options = parser.parse_args(arguments)
    text = render(PriceBook.shipped())
    if OUT.exists() and unpack(OUT) == text:
        print("rate card up to date")  # noqa: T201 a command reports on stdout
    elif options.check:
        parser.exit(1, f"the rate card is stale; run: {COMMAND}\n")
    else:
        OUT.write_bytes(pack(text))
        print(f"rate card written: {len(text):,} bytes")  # noqa: T201 a command reports on stdout


def render(book: PriceBook) -> bytes:
    """The card of a book, as it is packed; equal books give equal bytes."""
    card = _Card()
    for row in current(book):
        card.add(row)
    told = {
        "as_of": f"{book.built_at:%Y-%m-%d}",
        "spellings": book.contents.spellings,
        "listings": {name: _listing(one) for name, one in book.contents.listings.items()},
        "rates": card.rates,
        "units": card.units,
        "models": card.models,
    }
    return json.dumps(told, separators=(",", ":")).encode()


def current(book: PriceBook) -> list[PriceRow]:
    """The rows that the card is made of, in a fixed order."""
    rows = [
        row
        for row in book.standing()
        if row.valid_from <= book.built_at < row.valid_to
        and row.currency == "USD"
        and not (row.region or row.hours)
    ]
    return sorted(rows, key=lambda row: row.row_key)


def atto(usd: Decimal) -> int:
    """Whole atto-USD, rounded up."""
    return int((usd * _ATTO).to_integral_value(ROUND_CEILING))


class _Card:
    """Rates and units once each, and which a model has."""

    def __init__(self) -> None:
        self.rates: list[list[int | None]] = []
        self.units: list[dict[str, list[int]]] = []
        self.models: dict[str, dict[str, list[list[Any]]]] = {}
        self._places: dict[str, int] = {}

    def add(self, row: PriceRow) -> None:
        """Add one row."""
        rates = [None if rate is None else atto(rate) for rate in row.rates.values()]
        place = self._place(self.rates, rates)
        unit_place = self._place(self.units, _units(row.rates.units.items()))
        variant = [row.service_tier, row.context_over_tokens, place, unit_place]
        self.models.setdefault(row.provider, {}).setdefault(row.model, []).append(variant)

    def _place(self, known: list[Any], one: Any) -> int:
        key = json.dumps(one)
        if key not in self._places:
            self._places[key] = len(known)
            known.append(one)
        return self._places[key]


def _units(units: Iterable[tuple[str, UnitRate]]) -> dict[str, list[int]]:
    return {unit: [atto(rate.usd), rate.per] for unit, rate in sorted(units)}


def _listing(listing: Listing) -> dict[str, Any]:
    return {
        "models": listing.models,
        "falls_back_to": listing.falls_back_to,
        "recognises": listing.recognises,
    }


if __name__ == "__main__":
    main()
