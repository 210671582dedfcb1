"""An operator's entries laid over a book that goes on changing.

What is said of a model is told again at every instant at which the book or an entry says something
new: by the entries known then, over the rows known then. So a row that was published stays in the
book of every later release, and a price that changes under a contract changes with its discount.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from spanledger_collector.errors import ConfigurationError

from .history import append, standing
from .row import PriceRow


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """One entry of an operator's file.

    Attributes:
        known_from: since when it is known.
        provider: whose prices it is about.
        model: of which model; empty = of several.
        lay: what it makes of the prices that stand.
        idle: what is wrong when it changes no price; empty = nothing is.
    """

    known_from: datetime
    provider: str
    model: str
    lay: Callable[[Sequence[PriceRow]], Sequence[PriceRow]]
    idle: str = ""


def replay(rows: Sequence[PriceRow], steps: Iterable[Step]) -> list[PriceRow]:
    """The history, and what the entries add to it.

    Raises:
        ConfigurationError: an entry that has to changes no price.
    """
    ordered = sorted(steps, key=lambda step: step.known_from)
    idle = [step for step in ordered if step.idle]
    providers = {step.provider for step in ordered}
    models: defaultdict[tuple[str, str], list[PriceRow]] = defaultdict(list)
    for row in rows:
        if row.provider in providers:
            models[row.provider, row.model].append(row)
    for step in ordered:
        if step.model:
            models.setdefault((step.provider, step.model), [])
    added: list[PriceRow] = []
    for (provider, model), known in models.items():
        own = [s for s in ordered if s.provider == provider and s.model in ("", model)]
        added.extend(_added(known, own, idle))
    if idle:
        raise ConfigurationError(idle[0].idle)
    return [*rows, *added]


def _added(rows: Sequence[PriceRow], steps: Sequence[Step], idle: list[Step]) -> list[PriceRow]:
    """What the entries, in the order in which they became known, add to the rows of one model."""
    added: list[PriceRow] = []
    for at in _instants(rows, steps):
        told = [row for row in rows if row.known_from <= at]
        wanted: Sequence[PriceRow] = standing(told)
        for step in steps:
            if step.known_from > at:
                break
            laid = step.lay(wanted)
            if step in idle and list(laid) != list(wanted):
                idle.remove(step)
            wanted = laid
        held = [*told, *added]
        added.extend(append(held, wanted, lambda _row, at=at: at)[len(held) :])
    return added


def _instants(rows: Sequence[PriceRow], steps: Sequence[Step]) -> list[datetime]:
    """When something new is said, from the first entry on."""
    if not steps:
        return []
    first = steps[0].known_from
    return sorted(
        {step.known_from for step in steps}
        | {row.known_from for row in rows if row.known_from > first}
    )
