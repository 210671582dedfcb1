"""Two versions, models or periods of an agent: is one cheaper per success, do the data say so?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from spanledger_collector.errors import NotFoundError, PermanentError
from spanledger_collector.estimate import Interval

from .apart import apart
from .economics import Ask, Group, groups, groups_and_total
from .estimates import Estimate, Figure
from .mix import Shares, mix_caveats, mixes
from .named import parse_moment
from .outcomes import is_untold, outcomes
from .sustainability import gaps

#: Verdicts that name no direction.
SAME, TOO_FEW = "no difference shown", "too few data"
#: A difference below this part of the older figure is none that matters, unless told otherwise.
MATTERS = 0.1
_COST, _TIME, _GAIN = ("cheaper", "dearer"), ("faster", "slower"), ("lower", "higher")
#: What is compared, and what a fall and a rise of it are called; the question itself first.
#: It is asked with all that runs hand on: what delegates more is not cheaper for that.
WORDS: Mapping[str, tuple[str, str]] = {
    "inclusive_cost_per_success": _COST,
    "cost_per_success": _COST,
    "inclusive_total_cost_per_run": _COST,
    "total_cost_per_run": _COST,
    "inclusive_cost_per_run": _COST,
    "cost_per_run": _COST,
    "success_rate": _GAIN,
    "inclusive_value_per_run": _GAIN,
    "value_per_run": _GAIN,
    "inclusive_margin_per_run": _GAIN,
    "margin_per_run": _GAIN,
    "rework_share": _GAIN,
    "mean_latency": _TIME,
    "p50_latency": _TIME,
    "p95_latency": _TIME,
}
#: A share of delegated cost that moved less is the same way of working.
_ALIKE_DELEGATION = 0.05


@dataclass(frozen=True, slots=True)
class Compared:
    """One figure of two groups.

    Attributes:
        name: the figure, as in :class:`AgentEconomics`.
        old: of the first group, of its runs that are wholly known.
        new: of the second.
        difference: ``new - old``; its interval is by both ends of what was estimated, in the worst
            case. No value where the cost of runs is not wholly known: what is known alone bounds
            it to one side (unknown costs are at least what is known), or it says how many they are.
        ratio: ``new / old``; no interval unless both are above 0, and wholly known.
        verdict: ``cheaper`` or ``dearer`` (``faster`` or ``slower``, ``lower`` or ``higher``) where
            the interval of the difference leaves 0 out (also one without an end: a side without a
            success has no highest cost of one); ``no difference shown`` where it says that none is
            there that matters; else ``too few data``. Where outcomes were told of clearly fewer
            runs of one side, so are figures that stand on successes, without interval and ratio.
        more_runs_old: further runs of the first group with which the difference seen, if true,
            would be shown four times of five; None where that cannot be told, or no number of runs
            shows it (unknown costs, estimates that could turn it).
        more_runs_new: of the second group.
    """

    name: str
    old: Estimate
    new: Estimate
    difference: Estimate
    ratio: Estimate
    verdict: str
    more_runs_old: int | None
    more_runs_new: int | None


@dataclass(frozen=True, slots=True)
class ComparisonReport:
    """Two groups of an agent's runs, figure by figure.

    Attributes:
        agent_name: whose runs.
        by: ``version``, ``model``, ``tenant`` or ``period``.
        old: the first group, that the other is held against.
        new: the second.
        runs_old: runs of the first.
        runs_new: runs of the second.
        figures: the question first: cost per success, with sub-agents.
        caveats: what else differs between the groups, or is not in the figures.
    """

    agent_name: str
    by: str
    old: str
    new: str
    runs_old: int
    runs_new: int
    figures: Sequence[Compared]
    caveats: Sequence[str]


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two: its group, and what its runs are made of."""

    name: str
    group: Group
    shares: Mapping[str, Shares]


def compare_groups(
    ask: Ask, agent_name: str, period: Mapping[str, object], by: str, names: tuple[str, str]
) -> tuple[Side, Side]:
    """The two sides, when they are groups of one period.

    Raises:
        NotFoundError: there is no such group.
        PermanentError: both are the same.
    """
    if names[0] == names[1]:
        raise PermanentError(f"{by} {names[0]!r} cannot be compared with itself; name two")
    # As a report of the agent asks: who reads both has one answer.
    found, _ = groups_and_total(ask, agent_name, period, by)
    there = {group.key: group for group in found}
    missing = [name for name in names if name not in there]
    if missing:
        known = ", ".join(map(repr, sorted(there)))
        raise NotFoundError(
            f"{agent_name!r} has no runs of {by} {missing[0]!r} in this period; there are {known}"
        )
    # Of models the groups say themselves what they are of: the attempts need not be read again.
    shares = (
        {group.key: group.mix.shares() for group in found}
        if by == "model"
        else mixes(ask, agent_name, period, by)
    )
    old, new = (Side(name, there[name], shares.get(name, {})) for name in names)
    return old, new


def check_periods(*periods: tuple[datetime, datetime]) -> None:
    """Two periods that no run can be in both of: what they share would count as two draws.

    Raises:
        PermanentError: they overlap, or one of them ends before it begins.
    """
    try:
        told = [(parse_moment(start), parse_moment(end)) for start, end in periods]
    except ValueError as error:
        raise PermanentError(f"a period cannot be used: {error}") from error
    for start, end in told:
        if end <= start:
            raise PermanentError(
                f"a period ends before it begins: {start:%Y-%m-%dT%H:%M:%S} until "
                f"{end:%Y-%m-%dT%H:%M:%S}; give the start first, and an end after it"
            )
    start, end = max(one for one, _ in told), min(one for _, one in told)
    if start < end:
        raise PermanentError(
            f"the periods share the time from {start:%Y-%m-%dT%H:%M:%S} until "
            f"{end:%Y-%m-%dT%H:%M:%S}, and runs of both are no two samples; end one where the "
            "other begins"
        )


def compare_periods(
    ask: Ask, agent_name: str, named: Sequence[tuple[str, Mapping[str, object]]]
) -> tuple[Side, Side]:
    """The two sides, when they are all runs of two periods.

    Raises:
        NotFoundError: one of them has no run of the agent.
    """

    def side(name: str, period: Mapping[str, object]) -> Side:
        (group,) = groups(ask, agent_name, period, "total")
        return Side(name, group, mixes(ask, agent_name, period, "total").get("total", {}))

    old, new = (side(*one) for one in named)
    return old, new


def comparison(
    agent_name: str, by: str, old: Side, new: Side, *, matters: float
) -> ComparisonReport:
    """Every figure of both, with the verdict that the data carry."""
    if not matters > 0:
        raise PermanentError(
            f"matters is {matters}; give a part of the figure above 0, such as 0.1"
        )
    compared = [
        _untold(name, old, new) or _compare(name, old, new, words, matters)
        for name, words in WORDS.items()
    ]
    sums = (old.group.sums, new.group.sums)
    caveats = [
        *([_outcomes(old, new)] if any(_is_untold(name, old, new) for name in WORDS) else ()),
        *_delegated(old, new),
        *mix_caveats(old.shares, new.shares),
        *_gaps(old),
        *_gaps(new),
    ]
    return ComparisonReport(
        agent_name, by, old.name, new.name, sums[0].runs, sums[1].runs, compared, caveats
    )


def _compare(name: str, old: Side, new: Side, words: tuple[str, str], matters: float) -> Compared:
    found = apart(name, old.group, new.group, (old.name, new.name))
    verdict = _verdict(found.difference.interval, old.group.figures[name], words, matters)
    more = None if verdict in words else found.more_runs
    return Compared(
        name, old.group.shown(name), new.group.shown(name), found.difference, found.ratio, verdict,
        *(more or (None, None)),
    )  # fmt: skip


def _untold(name: str, old: Side, new: Side) -> Compared | None:
    """A figure whose two sides nobody can hold against each other before the outcomes are told."""
    if not _is_untold(name, old, new):
        return None
    a, b = (side.group.figures[name].estimate for side in (old, new))
    none = Interval.none(_outcomes(old, new), n=a.n + b.n, method="")
    between = None if b.value is None or a.value is None else b.value - a.value
    return Compared(
        name, a, b, Estimate.of(between, none), Estimate.of(None, none), TOO_FEW, None, None
    )


def _is_untold(name: str, old: Side, new: Side) -> bool:
    return is_untold(name, old.group.sums, new.group.sums)


def _outcomes(old: Side, new: Side) -> str:
    return outcomes((old.name, old.group.sums), (new.name, new.group.sums))


def _verdict(between: Interval, old: Figure, words: tuple[str, str], matters: float) -> str:
    if between.excludes(0):
        return words[0] if between.high is not None and between.high < 0 else words[1]
    if old.measured is None:
        return TOO_FEW
    least = matters * abs(old.measured.value)
    return SAME if between.within(-least, least) else TOO_FEW


def _delegated(old: Side, new: Side) -> Sequence[str]:
    """Where the share of work that is handed to sub-agents moved, own figures mislead: say so."""
    shares = [_handed_on(side.group) for side in (old, new)]
    if abs(shares[0] - shares[1]) < _ALIKE_DELEGATION:
        return ()
    told = (
        f"sub-agents carry {shares[0]:.0%} of what the old spends and {shares[1]:.0%} of what the "
        "new spends: the answer is on inclusive figures; the others are of the agent's own work "
        "alone"
    )
    return [told]


def _handed_on(group: Group) -> float:
    sums = group.sums
    if not sums.inclusive_total_cost_usd or sums.total_cost_usd is None:
        return 0.0
    return float(1 - sums.total_cost_usd / sums.inclusive_total_cost_usd)


def _gaps(side: Side) -> Sequence[str]:
    """What of a side is not in its figures of money, or rests on estimates."""
    sums = side.group.sums
    left_out = sums.runs - sums.inclusive_costed_runs
    told: list[str] = []
    if left_out:
        told.append(
            f"{side.name}: the cost of {left_out} of {sums.runs} runs, or of a run below them, is "
            "not wholly known; they are in no inclusive figure of money, and no difference of "
            "money is told but one that what is known of them bears out"
        )
    if sums.inclusive_unconverted_records:
        unknown = gaps(sums.runs, 0, sums.inclusive_unconverted_records)
        told.append(f"{side.name}: value and margin are not known: {unknown}")
    if sums.inclusive_estimated_cost_usd and sums.inclusive_cost_usd:
        share = sums.inclusive_estimated_cost_usd / sums.inclusive_cost_usd
        told.append(
            f"{side.name}: {share:.1%} of the variable cost rests on estimated usage: differences "
            "of cost are between its ends, at worst"
        )
    return told
