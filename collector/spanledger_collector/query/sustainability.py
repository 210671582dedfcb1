"""The verdict on an agent: do its runs earn what they cost, and do the data say so?"""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal

from spanledger_collector.estimate import FEWEST, runs_to_tell

from .dollars import in_dollars
from .estimates import Estimate, Figure

#: Whether runs earn what they cost.
Sustainable = Literal["yes", "no", "too few data", "no value told"]
#: What to do about runs whose worth nobody told.
_TELL: Final = "record_revenue tells the value of a run, a value rule that of all (docs/value.md)"


@dataclass(frozen=True, slots=True)
class Told:
    """What the runs of an agent are known to stand on.

    Attributes:
        runs: all of them, those whose cost is not wholly known too.
        valued_runs: those whose value somebody told, or a value rule.
        cheaper_usd: by so much the runs cost less by the ends of what was estimated (usage, how
            many units will share an asset), all together: the worst case. One tokenizer and one
            plan err the same way in every run, so within a source it is no exaggeration; what
            several sources come to together is seldom as far off.
        dearer_usd: by so much they cost more.
        judged_runs: those whose outcome somebody told.
        assumed_valued_runs: those that are worth a success by a value rule, of which nobody
            told that they are one.
        uncosted_runs: those whose cost is not wholly known; what is known of it is the least.
        unconverted_records: amounts told of them in a currency without a rate.
        margin_usd: value less known cost of all runs: at most so much, where some are uncosted.
        known_runs: those that the mean margin is of; None = as many as its interval stands on.
        traces: that the runs are in; None = each in its own.
    """

    runs: int
    valued_runs: int
    cheaper_usd: Decimal = Decimal(0)
    dearer_usd: Decimal = Decimal(0)
    judged_runs: int = 0
    assumed_valued_runs: int = 0
    uncosted_runs: int = 0
    unconverted_records: int = 0
    margin_usd: Decimal | None = None
    known_runs: int | None = None
    traces: int | None = None


@dataclass(frozen=True, slots=True)
class Sustainability:
    """Whether the runs of an agent earn what they cost.

    Attributes:
        sustainable: ``yes`` where the whole 95 % interval of the margin a run is above 0, and is so
            by both ends of what was estimated; ``no`` where it is below; ``no value told`` where no
            run has a value; else ``too few data``. The margin is inclusive: value less variable and
            amortized cost of a run with all that it hands on. Where the cost of runs is not wholly
            known it is never ``yes``, as dear runs are those with gaps: ``no`` where the known part
            of it is more than they earned, else ``too few data``.
        reason: the interval and the runs that it stands on, or why there is none; and which runs
            are in no mean or count as worth 0.
        runs_needed: runs in all that would tell (power 80 %), if the margin is as seen; None =
            enough are there, or nobody can say.
        why: the same in few words, for a table.
    """

    sustainable: Sustainable
    reason: str
    runs_needed: int | None
    why: str = ""


def sustainability(margin: Figure, told: Told) -> Sustainability:
    """The verdict.

    Args:
        margin: of a run, with all that it hands on, as if nothing of its cost were estimated.
        told: what it stands on.
    """
    if not told.valued_runs and not told.unconverted_records:
        none = "its one run has no" if told.runs == 1 else f"none of {told.runs:,} runs has a"
        reason = f"{none} value: {_TELL}"
        return Sustainability(
            "no value told", reason, None, "tell one: record_revenue or a value rule"
        )
    answer, reason, why = _answer(margin.estimate, told)
    needed = None
    # More runs tell nothing of those that are not known.
    whole = _known(margin.estimate, told) == told.runs
    if answer == "too few data" and margin.bound and not margin.estimate.interval.excludes(0):
        reason = "; ".join(dict.fromkeys((reason, margin.bound)))
    elif answer == "too few data" and margin.measured and not margin.is_bounded and whole:
        needed = runs_to_tell(margin.measured)
        needed = None if needed is None or needed <= margin.measured.n else needed
        if needed:
            reason += f"; {needed:,} {_unit(margin.estimate)} would tell, if it is as seen"
            needed = math.ceil(needed * margin.measured.runs_each)
    reasons, whys = zip((reason, why), *_beside(margin.estimate, told), strict=True)
    return Sustainability(answer, "; ".join(reasons), needed, "; ".join(whys))


def _beside(margin: Estimate, told: Told) -> list[tuple[str, str]]:
    """Runs that are not what the mean takes them for, with the same in few words."""
    found: list[tuple[str, str]] = []
    runs, unvalued = told.runs, told.runs - told.valued_runs
    known = _known(margin, told)
    if known < runs and margin.low is not None and margin.high is not None:
        reason = f"of the other {known:,} runs: {_between(margin)}"
        found.append((reason, f"{runs - known:,} of {runs:,} runs left out"))
    if unvalued and not told.unconverted_records:  # with these some are unknown, which is not 0
        reason = f"{unvalued:,} of {runs:,} runs have no value told, counted as 0"
        found.append((reason, f"{unvalued:,} of {runs:,} without a value"))
    if told.assumed_valued_runs:
        outcomes = f"outcome told of {told.judged_runs:,} of {runs:,} runs"
        reason = f"{outcomes}: {told.assumed_valued_runs:,} are worth a success that nobody told"
        found.append((reason, outcomes))
    return found


def _answer(margin: Estimate, told: Told) -> tuple[Sustainable, str, str]:
    """The answer, its reason, and that in few words."""
    known = _known(margin, told)
    if known < told.runs:
        return _of_gaps(told)
    if margin.low is None or margin.high is None:
        return "too few data", margin.reason, f"{margin.n:,} {_unit(margin)}"
    reason = _between(margin)
    low = margin.low - told.dearer_usd / known
    high = margin.high + told.cheaper_usd / known
    if (low, high) != (margin.low, margin.high):
        reason += f", {in_dollars(low)} to {in_dollars(high)} at worst by what is estimated,"
    if low > 0:
        return "yes", f"{reason} is above 0", "margin above 0"
    if high < 0:
        return "no", f"{reason} is below 0", "margin below 0"
    by_estimates = margin.low > 0 or margin.high < 0
    why = "estimates could turn it" if by_estimates else "margin's interval holds 0"
    return "too few data", f"{reason} holds 0", why


def _of_gaps(told: Told) -> tuple[Sustainable, str, str]:
    """Of runs some of which are not wholly known: what is known of a cost is the least it was."""
    said = gaps(told.runs, told.uncosted_runs, told.unconverted_records)
    draws = told.runs if told.traces is None else told.traces
    # What an amount without a rate is worth may make up for any loss.
    if told.margin_usd is not None and not told.unconverted_records and draws >= FEWEST:
        most = told.margin_usd + told.cheaper_usd
        if most < 0:
            loss = f"the margin of all {told.runs:,} runs is at most {in_dollars(most)}"
            return "no", f"{loss}; {said}", "margin below 0 by known costs"
    why = "costs unknown" if told.uncosted_runs else "rates unknown"
    return "too few data", said, why


def gaps(runs: int, uncosted_runs: int, unconverted_records: int) -> str:
    """What is not known of so many runs, and what to do about it; empty = nothing."""
    found: list[str] = []
    if uncosted_runs:
        found.append(f"the cost of {uncosted_runs:,} of {runs:,} runs is not wholly known")
    if unconverted_records:
        are = "amount is" if unconverted_records == 1 else "amounts are"
        found.append(
            f"{unconverted_records:,} {are} in a currency without a rate: add it to the price file"
        )
    return "; ".join(found)


def _between(margin: Estimate) -> str:
    low, high = (in_dollars(end) for end in (margin.low, margin.high) if end is not None)
    stands = f"{margin.level:.0%} interval, {margin.n:,} {_unit(margin)}"
    return f"margin a run {low} to {high} ({stands})"


def _known(margin: Estimate, told: Told) -> int:
    """Runs that the mean margin is of."""
    return margin.n if told.known_runs is None else told.known_runs


def _unit(margin: Estimate) -> str:
    unit = "trace" if margin.is_by_trace else "run"
    return unit if margin.n == 1 else f"{unit}s"
