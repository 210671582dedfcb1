"""What is known of a side of a comparison of whose runs the cost of some is not wholly known."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Final

from spanledger_collector.estimate import Interval, Sample, Traces, mean_interval, seldom_interval

from .agent_sums import AgentSums
from .economics import INCLUSIVE, Group
from .ends import ends
from .sustainability import gaps

_COSTS: Final = frozenset({"cost_per_run", "total_cost_per_run", "cost_per_success"})
_OF_VALUE: Final = frozenset({"value_per_run", "margin_per_run", "contribution_per_run"})
_OF_COST: Final = frozenset({*_COSTS, "rework_share"})
_METHOD: Final = "what is known alone"


def unknown_of(name: str, sums: AgentSums) -> str:
    """Why a figure of these runs is not wholly known; empty = it is, or is none of money."""
    figure = name.removeprefix(INCLUSIVE)
    uncosted = sums.inclusive_uncosted_runs
    if not name.startswith(INCLUSIVE):
        uncosted = sums.uncosted_runs
    if figure in _OF_COST:
        return gaps(sums.runs, uncosted, 0)
    if figure in _OF_VALUE:
        return gaps(sums.runs, uncosted, sums.inclusive_unconverted_records)
    return ""


def known_alone(name: str, group: Group) -> Interval:
    """Where a figure is by what is known of all runs: a cost at least there, a margin at most.

    Of the runs whose cost is not wholly known the known part is a cost at least as high as they
    had. That part has no spread of its own in the ledger's sums: it is taken to be spread as the
    costs of the other runs are, and in proportion to its mean where that is higher. How many runs
    have gaps is drawn by lot as well, so what parts the two kinds of runs adds to the spread. No
    interval where fewer than ten runs are known wholly, or an amount has no rate.
    """
    figure, sums = name.removeprefix(INCLUSIVE), group.sums
    reason = unknown_of(name, sums)
    nothing = Interval.none(reason, n=sums.runs, method=_METHOD)
    known = _known_usd(name, sums)
    mean = _mean_of(name, group, known)
    if known is None or mean is None or not sums.runs:
        return nothing
    if figure == "cost_per_success":
        floor = 0.0 if mean.mean >= 0 else None  # else credits are among them
        found = seldom_interval(
            mean, sums.successful_runs, floor=floor, runs=sums.runs, traces=_traces(group)
        )
    else:
        found = mean_interval(mean)
    if found.low is None:
        return nothing
    off = ends(name, sums)
    if figure in _COSTS:
        low = min(found.low * (1 - off.cheaper_share), found.low - off.below)
        return Interval(low, None, found.level, sums.runs, _METHOD, reason)
    if found.high is None:
        return nothing
    return Interval(None, found.high + off.above, found.level, sums.runs, _METHOD, reason)


def _known_usd(name: str, sums: AgentSums) -> Decimal | None:
    """The sum over all runs, as far as it is known; None = what is known is no bound."""
    told: dict[str, Decimal | None] = {
        "cost_per_run": sums.cost_usd,
        "total_cost_per_run": sums.total_cost_usd,
        "cost_per_success": sums.total_cost_usd,
        "margin_per_run": sums.margin_usd,
        "inclusive_cost_per_run": sums.inclusive_cost_usd,
        "inclusive_total_cost_per_run": sums.inclusive_total_cost_usd,
        "inclusive_cost_per_success": sums.inclusive_total_cost_usd,
        "inclusive_margin_per_run": sums.inclusive_margin_usd,
    }
    return told.get(name)


def _mean_of(name: str, group: Group, known_usd: Decimal | None) -> Sample | None:
    """The known part of all runs, as a sample of so many runs."""
    a_run = name.replace("cost_per_success", "total_cost_per_run")
    whole = group.figures[a_run].measured
    if whole is None or known_usd is None:
        return None
    sums = group.sums
    is_inclusive = name.startswith(INCLUSIVE)
    uncosted = sums.inclusive_uncosted_runs if is_inclusive else sums.uncosted_runs
    runs, costed = sums.runs, sums.runs - uncosted
    if not uncosted or mean_interval(Sample(whole.n, whole.value, whole.variance)).low is None:
        return None
    mean = float(known_usd) / runs
    of_gaps = (float(known_usd) - whole.value * costed) / uncosted
    spread = whole.variance / whole.n * costed  # what a run adds, as these runs were drawn
    wider = max((of_gaps / whole.value) ** 2, 1.0) if whole.value else 1.0
    share = costed / runs
    between = share * (1 - share) * (whole.value - of_gaps) ** 2 * runs / max(runs - 1, 1)
    variance = share * spread + (1 - share) * spread * wider + between
    # Runs that share traces are as many draws as there are traces of those that are known.
    draws = whole.n if whole.runs_each > 1 else runs
    variance *= draws / runs
    return Sample(draws, mean, variance if math.isfinite(variance) else 0.0)


def _traces(group: Group) -> Traces | None:
    """What the share of successes is known by, where runs share traces."""
    told = group.figures["success_rate"].measured
    if told is None or told.runs_each <= 1:
        return None
    return Traces(told.n, float(told.n), told.variance)
