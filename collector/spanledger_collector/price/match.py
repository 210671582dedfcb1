"""Resolves what a span calls a provider and a model to the book's names.

Model ids come from the network: they are capped in length, only looked up (never compiled), and
remembered in a bounded cache, so that hostile ids cost neither memory nor time.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from functools import lru_cache
from itertools import pairwise

from spanledger.rates.listings import Listing, Listings

from .row import OPEN_END
from .sellers import Sellers

#: Longer ids are no model's; they are not looked up.
MAX_ID_CHARACTERS = 256
#: Resolved ids remembered: about 2 MB.
CACHE_ENTRIES = 8192
OPERATOR, NONE = "operator", "none"


#: Start of what was always so.
ALWAYS = datetime(1970, 1, 1, tzinfo=timezone.utc)


@dataclass(frozen=True, slots=True)
class Window:
    """What an id means for calls that start in [valid_from, valid_to)."""

    valid_from: datetime
    valid_to: datetime
    provider: str
    model: str
    method: str


@dataclass(frozen=True, slots=True)
class ModelMatch:
    """What an id means now.

    Attributes:
        provider: whose price row applies (a reseller falls back to the maker); empty = not found.
        model: the book's name; empty = not found.
        method: ``exact`` | ``prefix`` | ``pattern`` | ``operator`` | ``none``.
        windows: what it means at all times, in order; empty = always the same.
    """

    provider: str
    model: str
    method: str
    windows: tuple[Window, ...] = ()


NO_MATCH = ModelMatch("", "", NONE)


@dataclass(frozen=True, slots=True)
class OperatorAlias:
    """An id that only the operator knows: a deployment, a profile, a self-hosted model."""

    provider: str
    matches: Callable[[str], bool]
    target: ModelMatch
    valid_from: datetime = ALWAYS
    valid_to: datetime = OPEN_END
    #: Only for calls that this provider bills: Vertex AI is not the Gemini API.
    billed_alone: bool = False


class Matcher:
    """Looks up ids in the listings of a book.

    Args:
        listings: the book's name of a provider -> its models.
        spellings: other names of providers -> the book's name.
        aliases: the operator's, tried first: the order of names, of one name what began last.
        sellers: who is told apart by the operator's entries; None = nobody.
    """

    def __init__(
        self,
        listings: Mapping[str, Listing],
        spellings: Mapping[str, str],
        aliases: Sequence[OperatorAlias] = (),
        sellers: Sellers | None = None,
    ) -> None:
        self._spellings = {**{provider: provider for provider in listings}, **spellings}
        self._sellers = sellers or Sellers(listings, self._spellings)
        self._listings = Listings(self._sellers.listings, self._sellers.spellings)
        self._aliases = tuple(aliases)
        self._cached = lru_cache(maxsize=CACHE_ENTRIES)(self._find)

    def resolve(self, provider: str, model: str) -> ModelMatch:
        """What a provider and model of a span mean; never raises.

        Args:
            provider: as on the span or normalised to the conventions; empty = not told.
            model: as on the span.
        """
        if len(model) > MAX_ID_CHARACTERS or len(provider) > MAX_ID_CHARACTERS:
            return NO_MATCH
        windows = self._cached(provider.strip().lower(), model.strip().lower())
        now = datetime.now(timezone.utc)
        held = next(window for window in windows if now < window.valid_to)
        dated = windows if len(windows) > 1 else ()
        return ModelMatch(held.provider, held.model, held.method, dated)

    def provider_name(self, written: str) -> str:
        """The book's name of a provider, however it is written; empty = the book has none such."""
        return self._spellings.get(written.strip().lower(), "")

    def _find(self, provider: str, model: str) -> tuple[Window, ...]:
        """What the id means at all times."""
        aliases = [a for a in self._aliases if self._same(a, provider) and a.matches(model)]
        starts = sorted(
            {ALWAYS, OPEN_END} | {at for a in aliases for at in (a.valid_from, a.valid_to)}
        )
        listed = self._listed(provider, model)
        found: list[Window] = []
        for start, end in pairwise(starts):
            holding = (a.target for a in aliases if a.valid_from <= start < a.valid_to)
            match = self._billed(provider, next(holding, listed))
            found.append(Window(start, end, match.provider, match.model, match.method))
        return tuple(found)

    def _listed(self, provider: str, model: str) -> ModelMatch:
        found = self._listings.find(provider, model)
        return NO_MATCH if found is None else ModelMatch(*found)

    def _billed(self, provider: str, match: ModelMatch) -> ModelMatch:
        """Whoever's model an alias means: the price is of the provider that was called."""
        if match.method != OPERATOR:
            return match
        return replace(match, provider=self._sellers.billed(provider, match.provider, match.model))

    def _same(self, alias: OperatorAlias, provider: str) -> bool:
        """Does an operator's name of a provider (empty = any) mean the one on the span?"""
        name = alias.provider.lower()
        known = self._sellers.spellings if alias.billed_alone else self._spellings
        return not name or known.get(name, name) == known.get(provider, provider)
