"""When what was paid once is earned back: break-even of assets, payback of a better version."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import ROUND_CEILING, Context, Decimal, localcontext
from itertools import pairwise

from spanledger_collector.estimate import (
    Interval,
    Joint,
    Stake,
    Traces,
    ratio_variance,
    share_difference,
)

from . import estimates
from .apart import apart
from .economics import Ask, Group
from .ends import widened
from .estimates import Estimate, Figure
from .outcomes import is_untold, outcomes
from .parsing import parse_rows
from .sustainability import gaps

_METHOD = "capital over the interval of a run"
_EXACT = Decimal("1e-6")
#: Digits for any capital, in any number of runs.
_WIDE = Context(prec=80)


@dataclass(frozen=True, slots=True)
class ContributionRow:
    """Assets of one scope and the runs they serve (query ``asset_contributions``)."""

    agent_name: str
    agent_version: str
    is_planned: bool
    asset_ids: tuple[str, ...]
    capital_usd: Decimal
    charged_usd: Decimal
    unconverted_entries: int
    booked_at: datetime
    runs: int
    costed_runs: int
    valued_runs: int
    contribution_usd: Decimal | None
    contribution_mean_usd: Decimal | None
    contribution_variance: float
    contribution_skewness: float
    costed_traces: int
    contribution_trace_mean_usd: float
    runs_variance: float
    contribution_runs_covariance: float
    left_out_runs: int
    uncosted_runs: int
    unconverted_records: int
    earning_traces: int
    staked_traces: int
    value_trace_mean_usd: float
    contribution_earning_covariance: float
    earning_runs: int
    earning_value_usd: float
    earning_cost_usd: float
    cheaper_usd: Decimal
    dearer_usd: Decimal


@dataclass(frozen=True, slots=True)
class VersionRow:
    """When a version of an agent ran first, of all its runs (query ``agent_versions``)."""

    agent_version: str
    first_started_at: datetime


@dataclass(frozen=True, slots=True)
class BreakEven:
    """Assets that serve the same runs, and how many runs it takes to earn them back.

    A run earns with all that it hands on to sub-agents, and where further assets serve the run or
    one of those, what it earns is divided among all of them in proportion to their capital: over
    all assets no cent of it counts twice. What a run without a value of its own costs is divided
    as its caller's value is.

    Attributes:
        agent_name: whose runs they serve; empty = all agents', or nobody said (``is_planned``).
        agent_version: of which version; empty = all.
        is_planned: a plan says whose runs they serve; without one nothing is known but the capital.
        asset_ids: the assets.
        capital_usd: what was paid for them, less salvage and what was written off or transferred.
        unconverted_entries: costs in a currency without a rate, which are not in it.
        booked_at: when the first of them entered the books.
        runs: runs served so far: those that entered the books since then.
        left_out_runs: of them, runs whose cost or value is not wholly known: with any, no figure of
            a run is told, and no number of runs, because gaps fall on dear runs.
        recovered_usd: their part of value less inclusive variable cost of those runs, 0 before the
            first; None = no run has a value, or an amount has no rate. With runs left out at most
            so much.
        unrecovered_usd: what is still to be earned; 0 once all is. With runs left out at least so
            much.
        contribution_per_run: their part of value less inclusive variable cost of a run, USD; its
            interval, and those of the runs, by both ends of what was estimated, in the worst case.
        break_even_runs: runs from the first one on that earn the capital.
        runs_to_go: runs from now on that earn what is unrecovered.
    """

    agent_name: str
    agent_version: str
    is_planned: bool
    asset_ids: Sequence[str]
    capital_usd: Decimal
    unconverted_entries: int
    booked_at: datetime
    runs: int
    left_out_runs: int
    recovered_usd: Decimal | None
    unrecovered_usd: Decimal | None
    contribution_per_run: Estimate
    break_even_runs: Estimate
    runs_to_go: Estimate


@dataclass(frozen=True, slots=True)
class Payback:
    """A version with assets of its own against the one before: when does the better one pay?

    Attributes:
        old: the earlier version.
        new: the version that the assets serve.
        asset_ids: the assets.
        capital_usd: what was paid for them.
        left_out_runs: runs of both whose cost or value is not wholly known: no gain is told with
            any, and no saving where it is the cost of one.
        saving_per_run: inclusive variable cost of a run of the old less that of the new, USD; its
            interval by both ends of what was estimated, in the worst case, as all that follow.
        gain_per_run: the same and what a run of the new earns more, USD; unknown without values.
        runs_by_saving: runs of the new version whose saving is the capital; None where it succeeds
            less often, or nobody can tell: what fails saves nothing.
        runs_by_gain: runs whose gain is.
    """

    old: str
    new: str
    asset_ids: Sequence[str]
    capital_usd: Decimal
    left_out_runs: int
    saving_per_run: Estimate
    gain_per_run: Estimate
    runs_by_saving: Estimate
    runs_by_gain: Estimate


def break_evens(ask: Ask, agent_name: str = "") -> Sequence[BreakEven]:
    """Of all assets, or of those that serve one agent alone; by scope."""
    return [break_even(row) for row in contributions(ask, agent_name)]


def contributions(ask: Ask, agent_name: str) -> Sequence[ContributionRow]:
    """Assets by scope, as the ledger sums them."""
    # Most agents have none, and what they would earn is a question that takes long to understand.
    if agent_name and not ask("agent_assets", agent_name=agent_name):
        return []
    return parse_rows(ContributionRow, ask("asset_contributions", agent_name=agent_name))


def break_even(row: ContributionRow) -> BreakEven:
    """Of the assets of one scope."""
    figure = estimates.unknown(_why_unknown(row), n=row.costed_runs)
    recovered = unrecovered = None
    if row.is_planned and not row.runs:
        recovered, unrecovered = Decimal(0), row.capital_usd
    if row.valued_runs:
        if not row.unconverted_records:
            recovered = row.contribution_usd or Decimal(0)
            unrecovered = max(row.capital_usd - recovered, Decimal(0))
        left_out = gaps(row.runs, row.uncosted_runs, row.unconverted_records)
        figure = estimates.unknown(left_out, n=row.costed_runs) if left_out else _contribution(row)
    a_run = _by_ends(figure.estimate, row)
    return BreakEven(
        row.agent_name, row.agent_version, row.is_planned, row.asset_ids, row.capital_usd,
        row.unconverted_entries, row.booked_at, row.runs, row.left_out_runs, recovered,
        unrecovered, a_run, runs_for(row.capital_usd, a_run), _to_go(row, unrecovered, a_run),
    )  # fmt: skip


def _why_unknown(row: ContributionRow) -> str:
    if not row.is_planned:
        return "no plan says whose runs it serves"
    return "no run has a value" if row.runs else "no run so far"


def _by_ends(a_run: Estimate, row: ContributionRow) -> Estimate:
    """What a run leaves, if usage was estimated as wrongly as may be."""
    if not row.costed_runs:
        return a_run
    below, above = (float(usd) / row.costed_runs for usd in (row.dearer_usd, row.cheaper_usd))
    return Estimate.of(a_run.value, widened(a_run.interval, below, above))


def _to_go(row: ContributionRow, unrecovered: Decimal | None, a_run: Estimate) -> Estimate:
    """Runs from now on: what is recovered so far is as unsure as the usage of those runs."""
    found = runs_for(unrecovered, a_run)
    unsure = row.cheaper_usd or row.dearer_usd
    if not unsure or found.value is None or row.contribution_usd is None:
        return found
    left = row.capital_usd - row.contribution_usd
    least, most = (
        runs_for(max(to_go, Decimal(0)), a_run)
        for to_go in (left - row.cheaper_usd, left + row.dearer_usd)
    )
    return replace(found, low=least.low, high=most.high, reason=most.reason)


def _contribution(row: ContributionRow) -> Figure:
    """Of a run. Runs of one trace are not drawn apart: where there are any, of traces over runs.

    Where hardly any run earned nothing, or something, yet, by how often such a run may come.
    """
    if row.costed_traces == row.costed_runs:
        return estimates.mean(
            row.contribution_mean_usd,
            row.contribution_variance,
            row.contribution_skewness,
            row.costed_runs,
            stake=estimates.stake(
                row.costed_traces, row.earning_traces, row.staked_traces,
                row.value_trace_mean_usd, row.contribution_earning_covariance,
            ),
        )  # fmt: skip
    joint = Joint(
        row.costed_traces,
        row.contribution_trace_mean_usd,
        row.costed_runs / row.costed_traces if row.costed_traces else 0.0,
        row.contribution_variance,
        row.runs_variance,
        row.contribution_runs_covariance,
    )
    stake = _shared_stake(row)
    if stake is None or not stake.is_seldom or not joint.under_mean:
        return estimates.ratio(row.contribution_mean_usd, joint, floor=None)
    variance = ratio_variance(joint)
    return estimates.mean(row.contribution_mean_usd, variance, 0.0, joint.n, stake=stake)


def _shared_stake(row: ContributionRow) -> Stake | None:
    """What hangs on whether runs that share traces earn something.

    By so much more a run that earned something left than one that did not: it earned more, and may
    have cost more or less. Where all earned something, one that does not is taken to cost the same.
    """
    n, earning, traces = row.costed_runs, row.earning_runs, row.costed_traces
    if not row.staked_traces or not n or not traces:
        return None
    squares = row.runs_variance * (traces - 1) + n * n / traces
    known = Traces(traces, n * n / squares, 0.0)
    if not earning:
        return Stake(n, 0, None, known)
    if earning == n:
        return Stake(n, earning, max(row.earning_value_usd / n, 0.0), known)
    left = row.earning_value_usd - row.earning_cost_usd
    others = row.contribution_trace_mean_usd * traces - left
    return Stake(n, earning, left / earning - others / (n - earning), known)


def version_starts(ask: Ask, agent_name: str) -> Mapping[str, datetime]:
    """When each version of an agent ran first, of all its runs."""
    rows = parse_rows(VersionRow, ask("agent_versions", agent_name=agent_name))
    return {row.agent_version: row.first_started_at for row in rows}


def paybacks(
    rows: Sequence[ContributionRow], versions: Sequence[Group], starts: Mapping[str, datetime]
) -> Sequence[Payback]:
    """Of every version with assets of its own that came after another one.

    Args:
        rows: assets by scope.
        versions: the agent's versions, of the period that is asked for.
        starts: when each ran first: a period may begin with a run of any of them, and makes none
            older by that.
    """
    order = sorted(versions, key=lambda group: (starts[group.key], group.key))
    found: list[Payback] = []
    for old, new in pairwise(order):
        own = [row for row in rows if row.agent_version and row.agent_version == new.key]
        found += [_payback(row, old, new) for row in own]
    return found


def _payback(row: ContributionRow, old: Group, new: Group) -> Payback:
    cost, gain = "inclusive_cost_per_run", "inclusive_contribution_per_run"
    left_out = sum(group.sums.runs - group.sums.inclusive_told_runs for group in (old, new))
    # What the older costs more is what the new one saves.
    saving = _known(cost, old, new) or apart(cost, new, old, (new.key, old.key)).difference
    gained = _known(gain, old, new) or apart(gain, old, new, (old.key, new.key)).difference
    if is_untold(gain, old.sums, new.sums):
        gained = estimates.unknown(outcomes((old.key, old.sums), (new.key, new.sums))).estimate
    return Payback(
        old.key, new.key, row.asset_ids, row.capital_usd, left_out, saving, gained,
        _by_saving(runs_for(row.capital_usd, saving), old, new), runs_for(row.capital_usd, gained),
    )  # fmt: skip


def _known(figure: str, old: Group, new: Group) -> Estimate | None:
    """Why a figure of both together is not known; None = it is."""
    both = (old.sums, new.sums)
    uncosted = sum(sums.inclusive_uncosted_runs for sums in both)
    unconverted = sum(sums.inclusive_unconverted_records for sums in both)
    runs = sum(sums.runs for sums in both)
    said = gaps(runs, uncosted, unconverted if "contribution" in figure else 0)
    return estimates.unknown(said).estimate if said else None


def _by_saving(runs: Estimate, old: Group, new: Group) -> Estimate:
    """No payback by runs that cost less where fewer succeed; perhaps, where that may be so."""
    rate = "success_rate"
    if runs.value is None:
        return runs
    if is_untold(rate, old.sums, new.sums):
        return estimates.unknown(outcomes((old.key, old.sums), (new.key, new.sums))).estimate
    then, now = (group.figures[rate] for group in (old, new))
    if then.measured is None or now.measured is None or now.measured.value >= then.measured.value:
        return runs
    sides = [(one.measured.value, one.estimate.interval) for one in (then, now) if one.measured]
    less = (
        f"of the runs of {new.key} {now.measured.value:.0%} succeed, "
        f"{then.measured.value:.0%} of those of {old.key}"
    )
    if share_difference(*sides).excludes(0):
        return estimates.unknown(f"{less}: what fails saves nothing").estimate
    reason = "; ".join(filter(None, (runs.reason, f"{less}, perhaps by chance: perhaps never")))
    return replace(runs, high=None, reason=reason)


def runs_for(capital_usd: Decimal | None, a_run: Estimate) -> Estimate:
    """Whole runs that earn the capital at so much a run.

    The capital is known, so the ends are those of a run turned around. Where a run may earn
    nothing, there is no upper end: it may never be earned back.
    """
    if capital_usd is None or a_run.value is None:
        return estimates.unknown(a_run.reason, n=a_run.n).estimate
    if capital_usd <= 0:
        nothing = Interval(0.0, 0.0, a_run.level, a_run.n, _METHOD)
        return Estimate.of(Decimal(0), nothing)
    if a_run.value <= 0:
        reason = "a run earns nothing beyond its cost: never, as it is"
        return Estimate(None, None, None, a_run.level, a_run.n, _METHOD, reason)
    value = _runs(capital_usd, a_run.value)
    if a_run.low is None or a_run.high is None:
        return Estimate(value, None, None, a_run.level, a_run.n, _METHOD, a_run.reason)
    low = _runs(capital_usd, a_run.high)
    if a_run.low <= 0:
        reason = "a run may earn nothing beyond its cost: perhaps never"
        reason = "; ".join(filter(None, (reason, a_run.reason)))
        return Estimate(value, low, None, a_run.level, a_run.n, _METHOD, reason)
    return Estimate(value, low, _runs(capital_usd, a_run.low), a_run.level, a_run.n, _METHOD, "")


def _runs(capital_usd: Decimal, a_run: Decimal) -> Decimal:
    """Whole runs, rounded up: after one fewer the capital is not back yet.

    A mean is kept to 12 decimals: what that leaves behind the sixth of the runs is no further run.
    """
    with localcontext(_WIDE):
        return (capital_usd / a_run).quantize(_EXACT).to_integral_value(ROUND_CEILING)
