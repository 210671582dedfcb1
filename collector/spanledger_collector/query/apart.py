"""How far apart two groups of runs are in a figure: by their runs, by estimates, by unknowns."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from spanledger_collector.estimate import (
    Interval,
    Measured,
    bounded_difference,
    bounded_quotient,
    difference,
    quotient,
    runs_needed,
    share_difference,
    share_quotient,
)

from .economics import Group
from .ends import WASTED, Ends, ends, turned, widened
from .estimates import OF_ENDS, Estimate, Figure, decimal, in_traces
from .unknowns import known_alone, unknown_of
from .waste import by_odds

#: Figures that are shares: their differences stay between -1 and 1.
_SHARES: Final = frozenset({"success_rate", "rework_share"})


@dataclass(frozen=True, slots=True)
class Apart:
    """Two groups in one figure.

    Attributes:
        difference: ``new - old``, with its interval; no value where a side is not wholly known.
        ratio: ``new / old``.
        more_runs: further runs of old and of new with which the difference seen, if true, would be
            shown; None where more runs tell nothing, or nobody can say.
    """

    difference: Estimate
    ratio: Estimate
    more_runs: tuple[int, int] | None


def apart(name: str, old: Group, new: Group, names: tuple[str, str] = ("", "")) -> Apart:
    """Of a figure by the names of :class:`AgentEconomics`.

    Args:
        name: the figure.
        old: the one that is held against.
        new: the other.
        names: what they are called where it is said why there is no interval.
    """
    if any(unknown_of(name, group.sums) for group in (old, new)):
        return _by_what_is_known(name, (old, new), names)
    a, b = old.figures[name], new.figures[name]
    off = ends(name, old.sums), ends(name, new.sums)
    value = _less(b.estimate.value, a.estimate.value)
    over = _over(a.measured, b.measured)
    if a.measured is None or b.measured is None or a.is_bounded or b.is_bounded:
        # How soon what is only bounded will be measured, nobody can say: no number of runs.
        told = [
            _named(one, side.estimate.interval) for one, side in zip(names, (a, b), strict=True)
        ]
        sides = [end.around(side) for end, side in zip(off, told, strict=True)]
        between = turned(bounded_difference(*told), bounded_difference(*sides))
        return Apart(Estimate.of(value, between), Estimate.of(over, bounded_quotient(*sides)), None)
    between = _difference(name, a, b)
    if a.estimate.is_by_trace or b.estimate.is_by_trace:
        between = replace(between, reason=in_traces(between.reason))
    below, above = off[1].below + off[0].above, off[1].above + off[0].below
    by_ends = widened(between, below, above)
    if name == WASTED and (below or above):
        by_ends = _wasted_apart(between, (old, new))
    if name in _SHARES:
        ratio = _share_ratio(name, (old, new))
    else:
        ratio = _ratio(a.measured, b.measured, *off)
    return Apart(
        Estimate.of(value, by_ends),
        Estimate.of(over, ratio),
        _more(a.measured, b.measured, below, above),
    )


def _by_what_is_known(name: str, groups: tuple[Group, Group], names: tuple[str, str]) -> Apart:
    """The difference where a side is not wholly known: what is known of it may still decide."""
    sides: list[Interval] = []
    for group, told in zip(groups, names, strict=True):
        figure = group.figures[name].estimate.interval
        gone = unknown_of(name, group.sums)
        if name == WASTED:
            figure = group.sums.waste.around(figure)
            figure = replace(figure, reason=gone) if gone else figure
        elif gone:
            figure = known_alone(name, group)
        else:
            figure = ends(name, group.sums).around(figure)
        sides.append(_named(told, figure))
    between = bounded_difference(*sides)
    nothing = Interval.none(between.reason, n=between.n, method="")
    return Apart(Estimate.of(None, between), Estimate.of(None, nothing), None)


def _named(name: str, interval: Interval) -> Interval:
    """The interval of a side; why an end of it is missing, in a sentence of its own."""
    told = f"{name or '(none)'}: {interval.reason}" if interval.reason else ""
    return replace(interval, reason=told)


def _difference(name: str, old: Figure, new: Figure) -> Interval:
    assert old.measured is not None  # noqa: S101 - its caller looked
    assert new.measured is not None  # noqa: S101 - the same
    if name not in _SHARES:
        return difference(old.measured, new.measured)
    sides = [(one.measured.value, one.estimate.interval) for one in (old, new) if one.measured]
    return share_difference(*sides)


def _wasted_apart(plain: Interval, groups: tuple[Group, Group]) -> Interval:
    """The difference of shares wasted by the ends that make it least, and those that make it most.

    Each end is of what the shares would be if all estimates were off so.
    """
    old, new = (group.sums.waste for group in groups)
    figures = [group.figures[WASTED] for group in groups]
    least, most = (
        share_difference(*[_at(one, by) for one, by in zip(figures, odds, strict=True)])
        for odds in ((old.high, new.low), (old.low, new.high))
    )
    told = replace(plain, low=least.low, high=most.high, method=f"{plain.method}{OF_ENDS}")
    return turned(plain, told)


def _at(figure: Figure, factor: float) -> tuple[float, Interval]:
    """A share and its interval, with so many times its odds."""
    assert figure.measured is not None  # noqa: S101 - its caller looked
    told = figure.estimate.interval
    ends = [None if end is None else by_odds(end, factor) for end in (told.low, told.high)]
    return by_odds(figure.measured.value, factor), replace(told, low=ends[0], high=ends[1])


def _share_ratio(name: str, groups: tuple[Group, Group]) -> Interval:
    """The interval of the ratio of two shares; of work wasted by both ends of estimates, as above.

    A share that is hardly ever missed has no spread to reckon with, and its interval has.
    """
    figures = [group.figures[name] for group in groups]
    plain = share_quotient(*[_at(one, 1) for one in figures])
    if any(one.estimate.is_by_trace for one in figures):
        plain = replace(plain, reason=in_traces(plain.reason))
    old, new = (group.sums.waste for group in groups)
    if name != WASTED or {old.low, old.high, new.low, new.high} == {1.0} or plain.low is None:
        return plain
    least, most = (
        share_quotient(*[_at(one, by) for one, by in zip(figures, odds, strict=True)])
        for odds in ((old.high, new.low), (old.low, new.high))
    )
    if least.low is None or most.low is None:
        reason = "by the ends of what is estimated a side may be 0, or below"
        return Interval.none(reason, n=plain.n, method=plain.method)
    method = f"{plain.method}{OF_ENDS}"
    return replace(plain, low=least.low, high=most.high, method=method, reason=most.reason)


def _ratio(old: Measured, new: Measured, old_off: Ends, new_off: Ends) -> Interval:
    """The interval of the ratio, by the worst ends of both sides."""
    found = quotient(old, new)
    if found.low is None or found.high is None:
        return found
    offs = (old_off.below, old_off.above, new_off.below, new_off.above)
    if not any(offs):
        return found
    if old_off.below >= old.value or new_off.below >= new.value:
        reason = "by the ends of what is estimated a side may be 0, or below"
        return Interval.none(reason, n=found.n, method=found.method)
    low = found.low * (1 - new_off.below / new.value) / (1 + old_off.above / old.value)
    high = found.high * (1 + new_off.above / new.value) / (1 - old_off.below / old.value)
    return replace(found, low=low, high=high, method=f"{found.method}, ends of estimates")


def _more(old: Measured, new: Measured, below: float, above: float) -> tuple[int, int] | None:
    """Further runs that would show the difference; what estimates can turn no run shows."""
    seen = new.value - old.value
    nearest = seen - below if seen > 0 else seen + above
    if nearest * seen <= 0:
        return None
    at_worst = new if nearest == seen else replace(new, value=old.value + nearest)
    needed = runs_needed(old, at_worst)
    if needed is None:
        return None
    # Where runs share traces, as many more at as many a trace.
    further = [math.ceil(max(needed - one.n, 0) * one.runs_each) for one in (old, new)]
    return further[0], further[1]


def _less(new: Decimal | None, old: Decimal | None) -> Decimal | None:
    return None if new is None or old is None else new - old


def _over(old: Measured | None, new: Measured | None) -> Decimal | None:
    if old is None or new is None or old.value <= 0 or new.value <= 0:
        return None
    return decimal(new.value / old.value)
