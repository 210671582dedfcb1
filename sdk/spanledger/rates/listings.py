"""Which model of which provider an id means: the names of all providers, looked up in order."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from spanledger.rates.clauses import PATTERN, Clause, ModelClauses, Names, predicate
from spanledger.rates.model_ids import references


@dataclass(frozen=True, slots=True)
class Listing:
    """The names of one provider in the book.

    Attributes:
        models: model ids and their clauses, first match wins.
        falls_back_to: providers whose models it resells, in order.
        recognises: clause that tells its models when a span names no provider; may be empty.
        sells: (provider, model) of those it falls back to that it has prices of its own for.
    """

    models: Sequence[ModelClauses]
    falls_back_to: Sequence[str] = ()
    recognises: Clause = ()
    sells: Collection[tuple[str, str]] = ()


class Found(NamedTuple):
    """Whose price applies (a reseller falls back to the maker), and how that was found."""

    provider: str
    model: str
    method: str


class Listings:
    """The names of every provider; clauses are compiled when a provider is first asked for.

    Args:
        listings: the book's name of a provider -> its models.
        spellings: provider name, lower case -> the book's name; the book's own included.
    """

    def __init__(self, listings: Mapping[str, Listing], spellings: Mapping[str, str]) -> None:
        self._listings = listings
        self._spellings = spellings
        self._names: dict[str, Names] = {}
        self._makers = [
            (provider, predicate(listing.recognises))
            for provider, listing in listings.items()
            if listing.recognises
        ]

    def find(self, provider: str, model: str) -> Found | None:
        """What a provider (empty = not told) and a model mean, both in lower case."""
        for home, reference in references(provider, model, self._spellings):
            found = self._look_up(home, reference)
            if found is not None:
                return found
        return None if provider else self._guess_maker(model)

    def _look_up(self, home: str, reference: str) -> Found | None:
        listing = self._listings.get(home)
        if listing is None:
            return None
        for provider in (home, *listing.falls_back_to):
            found = self._names_of(provider).find(reference)
            if found is not None:
                own = (provider, found[0]) in listing.sells
                return Found(home if own else provider, *found)
        return None

    def _names_of(self, provider: str) -> Names:
        names = self._names.get(provider)
        if names is None:
            names = self._names[provider] = Names(self._listings[provider].models)
        return names

    def _guess_maker(self, model: str) -> Found | None:
        """No provider told: the maker whose ids look like this one, at its own list price."""
        for provider, recognises in self._makers:
            if recognises(model):
                found = self._look_up(provider, model)
                if found is not None:
                    return Found(found.provider, found.model, PATTERN)
        return None
