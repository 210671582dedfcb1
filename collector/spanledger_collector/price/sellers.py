"""Whom an operator's entry is about: a contract holds with whoever was called, and nobody else.

Azure and Vertex AI sell models of other makers, and the book has no rows for most of them: their
calls take the maker's list price. Where an operator's entry concerns such a model, of the maker or
of a seller, the sellers get rows of their own, copies of the list price with its whole history. So
a discount of OpenAI is none of Azure's, and Azure's has a row to hold for.

Vertex AI and the Gemini API share their list prices and send bills of their own: ``google`` in an
entry is the Gemini API, ``gcp.vertex_ai`` is Vertex AI.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from spanledger.rates.listings import Listing
from spanledger.rates.model_ids import GEMINI, VERTEX

from .bookfile import Contents
from .document import Adjustment, Document, UnitStatement
from .row import START_UNKNOWN, PriceRow

#: Provider and model, as rows of the book have them.
_Name = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Sellers:
    """Who sells whose models, as far as an operator's entries tell them apart.

    Attributes:
        listings: the book's, with what each seller has rows of its own for.
        spellings: the book's, with Vertex AI apart from the Gemini API.
        rows: the sellers' own rows: list prices.
    """

    listings: Mapping[str, Listing]
    spellings: Mapping[str, str]
    rows: Sequence[PriceRow] = ()

    def biller(self, written: str) -> str:
        """Who sends the bill, in the book's spelling; a name the book does not know stays."""
        return self.spellings.get(written.strip().lower(), written)

    def billed(self, written: str, provider: str, model: str) -> str:
        """Whose row of a model prices a call of this provider: its own where it has one."""
        home = self.biller(written)
        listing = self.listings.get(home)
        own = listing is not None and (provider, model) in listing.sells
        return home if own else provider


def sellers(contents: Contents, operator: Document) -> Sellers:
    """What of a book has to be told apart by who was called, for the entries of an operator."""
    listings = dict(contents.listings)
    spellings = {**{name: name for name in listings}, **contents.spellings}
    if GEMINI in listings:
        above = listings[GEMINI].falls_back_to
        listings[VERTEX] = Listing((), (GEMINI, *above))
        vertex = {name for name, home in spellings.items() if home == GEMINI and "vertex" in name}
        spellings |= dict.fromkeys((*vertex, VERTEX), VERTEX)
    listed = Sellers(listings, spellings)
    sold = _sold(contents.rows, operator, listed)
    for seller, names in sold.items():
        listings[seller] = replace(listings[seller], sells=frozenset(names))
    return replace(listed, rows=tuple(_copies(contents.rows, sold)))


def _sold(
    rows: Sequence[PriceRow], operator: Document, listed: Sellers
) -> Mapping[str, set[_Name]]:
    """Seller -> makers' models that an entry of either of the two concerns."""
    makers = _makers(operator, listed)
    entries = list(_entries(operator, listed))
    units: dict[_Name, set[str]] = {}
    for row in rows:
        units.setdefault((row.provider, row.model), set()).update(row.rates.units)
    found: dict[str, set[_Name]] = {}
    for seller, owners in makers.items():
        names = [name for owner in owners for name in units if name[0] == owner]
        taken: set[str] = set()
        for maker, model in names:
            about = (e for e in entries if e.biller in (seller, maker))
            if model not in taken and any(e.concerns(model, units[maker, model]) for e in about):
                found.setdefault(seller, set()).add((maker, model))
                taken.add(model)
    return found


def _makers(operator: Document, listed: Sellers) -> Mapping[str, Sequence[str]]:
    """Seller -> whose models it sells, by the book and by the operator's aliases, in order."""
    found = {
        name: list(listing.falls_back_to)
        for name, listing in listed.listings.items()
        if listing.falls_back_to
    }
    for alias in operator.aliases:
        seller, maker = listed.biller(alias.provider), alias.to_provider
        if maker and maker != seller and seller in listed.listings:
            owners = found.setdefault(seller, [])
            if maker not in owners:
                owners.append(maker)
    return found


@dataclass(frozen=True, slots=True)
class _Entry:
    """An entry of an operator: which models of whom it is about."""

    biller: str
    models: Sequence[str]
    models_with: str = ""

    def concerns(self, model: str, units: set[str]) -> bool:
        """Is it about this model, with rates of these units?"""
        if self.models_with and self.models_with in units:
            return True
        return any(fnmatchcase(model, pattern) for pattern in self.models)


def _entries(operator: Document, listed: Sellers) -> Iterator[_Entry]:
    several: Iterable[Adjustment | UnitStatement] = (*operator.adjustments, *operator.unit_prices)
    for entry in several:
        models_with = entry.models_with if isinstance(entry, UnitStatement) else ""
        yield _Entry(listed.biller(entry.provider), entry.models, models_with)
    for price in (*operator.prices, *operator.provisioned):
        yield _Entry(listed.biller(price.provider), (price.model,))


def _copies(rows: Sequence[PriceRow], sold: Mapping[str, set[_Name]]) -> Iterator[PriceRow]:
    """The makers' rows as the sellers': those that are known later too, so none is ever edited."""
    own = {(row.provider, row.model) for row in rows}
    for row in rows:
        for seller, names in sold.items():
            if (row.provider, row.model) in names and (seller, row.model) not in own:
                said = row.upstream.removesuffix(START_UNKNOWN)
                mark = row.upstream[len(said) :]
                upstream = f"{said}; list price of {row.provider}{mark}"
                yield replace(row, provider=seller, upstream=upstream)
