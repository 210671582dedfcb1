"""Who bills, and what the models of a bill are called in the ledger.

Providers are one biller when the price book spells them alike (``aws.bedrock`` and ``aws``), with
one difference: Vertex AI and the Gemini API share their prices and send bills of their own. A model
of a bill is looked up in the price book like a model of a span; where it is no model id (cloud
bills have names), it means the one model of the ledger that the name fits.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from spanledger_collector.query import ChargeRow

from .bill import BillLine

#: Provider and model of the bill -> those of the price book, or None.
Resolve = Callable[[str, str], "tuple[str, str] | None"]
#: Provider as anybody writes it -> the price book's name, or empty.
ProviderName = Callable[[str], str]

_VERTEX: Final = "gcp.vertex_ai"
#: What a model id has beyond its name: version, revision, date.
_DECORATION: Final = re.compile(r"-v\d+(?::\d+)?$|:\d+$|[-@](?:\d{8}|\d{4}-\d\d-\d\d|\d{4})(?!\d)")
#: Words that make another model of the same family: the one name has them, the other too.
_SIZES: Final = (
    "mini", "nano", "micro", "lite", "flash", "pro", "premier", "turbo", "small", "medium", "large",
)  # fmt: skip
#: Words of a bill that say where, or by whom it is sold.
_WHERE: Final = frozenset({"global", "regional", "cross", "region", "amazon", "bedrock", "edition"})
#: Azure's meters: ``gpt-4o-0806`` is the version of 6 August of a year that they do not tell.
_MONTH_AND_DAY: Final = re.compile(r"-(0[1-9]|1[0-2])([0-2]\d|3[01])$")
_YEARS: Final = range(2023, 2030)
#: Of a Bedrock model, what its endpoint is for: the book has a price for each.
_GLOBAL, _REGIONAL = "global.", "regional."


@dataclass(frozen=True, slots=True)
class Book:
    """What a price book calls providers and models.

    Attributes:
        provider_name: a provider as anybody writes it -> the book's name; empty = not the book's.
        resolve: what the book calls a model, as on a span; None = it knows none such.
    """

    provider_name: ProviderName
    resolve: Resolve

    def biller(self, provider: str) -> str:
        """One name for whoever sends the bill; empty = the book does not know this provider."""
        name = self.provider_name(provider)
        return _VERTEX if name and "vertex" in provider.lower() else name


class Names:
    """The names of one ledger: ``of`` finds those of a line of the bill in them."""

    def __init__(self, book: Book, charges: Sequence[ChargeRow]) -> None:
        self._book = book
        self._told = sorted({(self.biller(charge), charge.model) for charge in charges})
        self._found: dict[tuple[str, str], tuple[str, str]] = {}

    def biller(self, charge: ChargeRow) -> str:
        """Who bills for it: the provider that was called; if that is none, the priced one."""
        return (
            self._book.biller(charge.provider_seen)
            or self._book.biller(charge.provider)
            or charge.provider.lower()
        )

    def of(self, line: BillLine) -> tuple[str, str]:
        """Biller and model, as the ledger has them if it has them."""
        key = (line.provider, line.model)
        if key not in self._found:
            self._found[key] = self._find(*key)
        return self._found[key]

    def _find(self, provider: str, model: str) -> tuple[str, str]:
        biller = self._book.biller(provider) or provider.lower()
        if (biller, model) in self._told:
            return biller, model
        for spelling in _spellings(model):
            resolved = self._book.resolve(provider, spelling)
            if resolved is not None:
                return biller, resolved[1]
        alike = [name for home, name in self._told if home == biller and _fits(model, name)]
        if len(alike) > 1:
            alike = _by_endpoint(model, alike)
        return biller, alike[0] if len(alike) == 1 else model


def _spellings(model: str) -> Iterator[str]:
    """A name as ids are written: words joined, the year of a version tried."""
    yield model
    joined = re.sub(r"\s+", "-", model.strip().lower()).removesuffix("-global")
    yield joined
    version = _MONTH_AND_DAY.search(joined)
    if version:
        base = joined[: version.start()]
        yield from (f"{base}-{year}-{version[1]}-{version[2]}" for year in _YEARS)


def _fits(name: str, model_id: str) -> bool:
    """Whether a name has the numbers of the id and no other word: ``Claude4.5Sonnet``."""
    plain = _DECORATION.sub("", _DECORATION.sub("", model_id.lower()))
    words = [word for word in re.findall(r"[a-z]+", name.lower()) if word not in _WHERE]
    letters, wanted = re.sub(r"[^a-z]", "", plain), "".join(words)
    return (
        bool(words)
        and sorted(re.findall(r"\d+", name)) == sorted(re.findall(r"\d+", plain))
        and all(word in letters for word in words)
        and all((size in wanted) == (size in letters) for size in _SIZES)
    )


def _by_endpoint(name: str, alike: Sequence[str]) -> Sequence[str]:
    """Of one model at several endpoints, the one that the name tells; the regional by default."""
    wanted = _GLOBAL if "global" in name.lower() else _REGIONAL
    return [model for model in alike if model.startswith(wanted)]
