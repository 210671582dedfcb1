"""The price book: dated prices, and which ids mean which model. Shipped in the wheel, read offline.

An operator's file adds prices (self-hosted models, negotiated rates) and aliases (deployments,
inference profiles) in the format of :mod:`spanledger_collector.price.document`; they win over the
book's from their ``valid_from`` on, and are known from their ``known_from`` (default: the
same), but by no ledger from before it was published there (``learned``).
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from spanledger_collector.errors import ConfigurationError

from .adjust import adjust, deploy, idle
from .bookfile import Contents, book_id, decode, unpack
from .document import Adjustment, Alias, Document, Statement, UnitStatement, read
from .fx import FxRow, fx_rows, gpu_hour_rows
from .history import check, standing
from .match import ALWAYS, OPERATOR, Matcher, ModelMatch, OperatorAlias
from .replay import Step, replay
from .row import OPEN_END, PriceRow
from .sellers import Sellers, sellers
from .statements import lay_over, windows
from .units import add_units

#: The book in the wheel.
SHIPPED = Path(__file__).with_name("book.json.xz")
OPERATOR_UPSTREAM = "operator"


class PriceBook:
    """A price book, complete and unchanging.

    Args:
        contents: what the book file holds.
        book_id: identity of the contents.
        operator: prices and aliases of the operator, laid over the book's.
    """

    def __init__(self, contents: Contents, book_id: str, operator: Document | None = None) -> None:
        self._contents = contents
        self._operator = operator or Document()
        self._sellers = sellers(contents, self._operator)
        self._rows = tuple(_with_operator(contents.rows, self._operator, self._sellers))
        self._fx = fx_rows(self._operator.fx)
        self.book_id = book_id if operator is None else _combined_id(book_id, operator)

    @classmethod
    def shipped(
        cls, operator_file: Path | None = None, *, book_file: Path | None = None
    ) -> "PriceBook":
        """The book of this release, with an operator's own prices if there are any.

        Args:
            operator_file: the operator's prices and aliases.
            book_file: a book made by ``spanledger prices update``, instead of this release's.

        Raises:
            ConfigurationError: a file cannot be read, or the operator's prices contradict.
        """
        return cls.load(book_file or SHIPPED, operator_file)

    @classmethod
    def load(cls, path: Path, operator_file: Path | None = None) -> "PriceBook":
        """The book in a file made by ``build``.

        Raises:
            ConfigurationError: a file cannot be read, or the operator's prices contradict.
        """
        text = unpack(path)
        operator = None if operator_file is None else read(operator_file)
        return cls(decode(text), book_id(text), operator)

    @property
    def built_at(self) -> datetime:
        """Midnight of the day the book was last changed."""
        return self._contents.built_at

    def age(self, now: datetime) -> timedelta:
        """How long ago the book was last changed: prices that changed since are not known."""
        return max(now - self.built_at, timedelta(0))

    @property
    def upstreams(self) -> Mapping[str, str]:
        """Package -> version the book's data came from."""
        return self._contents.upstreams

    @property
    def contents(self) -> Contents:
        """The book file's contents, without the operator's part."""
        return self._contents

    def rows(self) -> Sequence[PriceRow]:
        """Every row, superseded ones included: what ``publish`` writes."""
        return self._rows

    def fx(self) -> Sequence[FxRow]:
        """What other currencies are worth, as the operator says."""
        return self._fx

    def gpu_hours(self) -> Sequence[FxRow]:
        """What an hour of a GPU is worth: capital may be booked in hours."""
        return gpu_hour_rows(self._operator.gpu_hours)

    def aliases(self) -> Sequence[Alias]:
        """The operator's names of models."""
        return self._operator.aliases

    def standing(self, known_at: datetime | None = None) -> Sequence[PriceRow]:
        """The rows that hold, as known at an instant; ``None`` = now."""
        return standing(self._rows, known_at)

    def resolve(self, provider: str, model: str) -> ModelMatch:
        """What a provider and model of a span mean in this book; never raises.

        Args:
            provider: as on the span or normalised; empty = not told.
            model: as on the span.
        """
        return self._matcher.resolve(provider, model)

    def provider_name(self, written: str) -> str:
        """The book's name of a provider, however it is written; empty = the book has none such."""
        return self._matcher.provider_name(written)

    def doubts(self) -> Sequence[str]:
        """What the operator's entries mean that nothing prices; in words, empty = nothing."""
        priced = {(row.provider, row.model) for row in self.standing()}
        worth = {rate.currency for rate in self._fx}
        return [
            *(
                f"the alias {alias.id!r} means {target.provider}/{target.model}, of which there is "
                "no price"
                for alias in self._operator.aliases
                if (alias.factor is None)
                and ((target := _alias(alias, self._sellers).target).provider, target.model)
                not in priced
            ),
            *(
                f"the price of {one.provider}/{one.model} is in {one.currency}, of which there is "
                "no rate under fx:"
                for one in self._operator.prices
                if one.currency not in ("USD", *worth)
            ),
        ]

    @cached_property
    def _matcher(self) -> Matcher:
        named = _named(self._operator, self._sellers)
        written = _in_order(self._operator.aliases)
        aliases = [*named, *(_alias(alias, self._sellers) for alias in written)]
        contents = self._contents
        return Matcher(contents.listings, contents.spellings, aliases, self._sellers)


def _with_operator(
    rows: Sequence[PriceRow], operator: Document, told: Sellers
) -> Sequence[PriceRow]:
    """The book's history and what has to be appended so that it says what the operator says.

    Deployments with a price of their own come last: they follow from the prices that stand then.
    """
    rows = replay([*rows, *told.rows], _steps(operator, told))
    for alias in operator.aliases:
        if alias.factor is not None:
            rows = [*rows, *deploy(rows, alias, told)]
    check(standing(rows))
    return rows


def _steps(operator: Document, told: Sellers) -> Iterator[Step]:
    """Every entry about prices; each names its provider as the book does."""
    statements = [
        *operator.prices,
        *(one.statement() for one in operator.provisioned),
        *(Statement.model_validate(one.price()) for one in operator.gpu_hours),
    ]
    for given in statements:
        statement = _billed(given, f"price of {given.model}", told)
        laid = windows([statement])
        yield Step(
            statement.known_from or statement.valid_from,
            statement.provider,
            statement.model,
            lambda rows, laid=laid, why=statement.why: lay_over(
                rows, laid, f"{OPERATOR_UPSTREAM}: {why}"
            ),
        )
    for given in operator.unit_prices:
        units = _billed(given, "unit_prices", told)
        yield Step(
            units.known_from or units.valid_from,
            units.provider,
            "",
            lambda rows, units=units: add_units(rows, [units]),
        )
    for given in operator.adjustments:
        change = _billed(given, "adjustment", told)
        yield Step(
            change.known_from or change.valid_from,
            change.provider,
            "",
            lambda rows, change=change: adjust(rows, change),
            idle(change),
        )


E = TypeVar("E", Statement, UnitStatement, Adjustment)


def _billed(entry: E, what: str, told: Sellers) -> E:
    """The entry with the book's name of the provider it is about."""
    if not entry.provider:
        raise ConfigurationError(f"the operator's {what} names no provider; add provider: to it")
    return entry.model_copy(update={"provider": told.biller(entry.provider)})


def _named(operator: Document, told: Sellers) -> list[OperatorAlias]:
    """A model the operator prices is found under its own name."""
    return [
        OperatorAlias(
            s.provider,
            _equals(s.model),
            ModelMatch(told.biller(s.provider), s.model, OPERATOR),
            billed_alone=True,
        )
        for s in (*operator.prices, *operator.provisioned)
    ]


def _alias(alias: Alias, told: Sellers) -> OperatorAlias:
    target = ModelMatch(alias.to_provider or told.biller(alias.provider), alias.model, OPERATOR)
    if alias.factor is not None:
        target = ModelMatch(alias.provider, alias.id, OPERATOR)
    return OperatorAlias(
        alias.provider,
        _glob(alias.id),
        target,
        alias.valid_from or ALWAYS,
        alias.valid_to or OPEN_END,
    )


def _in_order(aliases: Sequence[Alias]) -> list[Alias]:
    """Names as they first appear; of one name the entry that begins last comes first."""
    names = list(dict.fromkeys((alias.provider, alias.id) for alias in aliases))
    newest = sorted(aliases, key=lambda alias: alias.valid_from or ALWAYS, reverse=True)
    return sorted(newest, key=lambda alias: names.index((alias.provider, alias.id)))


def _equals(text: str) -> Callable[[str], bool]:
    wanted = text.lower()
    return lambda model: model == wanted


def _glob(pattern: str) -> Callable[[str], bool]:
    """A ``*`` at the end or the start stands for any text."""
    wanted = pattern.lower()
    if wanted.endswith("*"):
        return lambda model: model.startswith(wanted[:-1])
    if wanted.startswith("*"):
        return lambda model: model.endswith(wanted[1:])
    return _equals(wanted)


def _combined_id(base: str, operator: Document) -> str:
    return hashlib.sha256(f"{base}\n{operator.model_dump_json()}".encode()).hexdigest()
