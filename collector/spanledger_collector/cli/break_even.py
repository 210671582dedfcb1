"""How break-even and payback look in tables."""

from collections.abc import Iterator, Sequence
from decimal import Decimal

from spanledger_collector.query import BreakEven, Estimate, Payback

from .figures import interval, money, value
from .grid import Grid
from .output import count, margin, text, usd

_BREAK_EVEN = (
    "assets", "runs of", ">capital", ">recovered", ">runs so far", ">contribution a run",
    ">95% interval", ">break-even runs", ">95% interval", ">to go", "why not",
)  # fmt: skip
_PAYBACK = (
    "assets", "against", ">paid", ">saving a run", ">95% interval", ">paid back in runs",
    ">95% interval", ">gain a run", ">paid back in runs", ">95% interval", "why not",
)  # fmt: skip


def runs(number: Decimal) -> str:
    """A number of runs: whole, and rounded up, where it was computed."""
    return f"{number:,.0f}"


def break_even_table(rows: Sequence[BreakEven]) -> Grid:
    """One line a scope of assets."""
    return Grid("Break-even", _BREAK_EVEN, map(_break_even, rows))


def _break_even(row: BreakEven) -> Sequence[str]:
    scope = " ".join(filter(None, (row.agent_name or "all", row.agent_version)))
    return (
        text(", ".join(row.asset_ids)), text(scope), usd(row.capital_usd),
        _recovered(row),
        count(row.runs),
        value(row.contribution_per_run, money), interval(row.contribution_per_run, money),
        _needed(row.break_even_runs), _span(row.break_even_runs), _needed(row.runs_to_go),
        text(row.break_even_runs.reason),
    )  # fmt: skip


def _recovered(row: BreakEven) -> str:
    if not row.is_planned:
        return "-"  # by nobody's runs: there is no such figure
    recovered = row.recovered_usd
    return usd(None) if recovered is None else margin(recovered, unpriced=row.left_out_runs)


def payback_table(rows: Sequence[Payback]) -> Grid:
    """One line a version with assets of its own."""
    return Grid("Payback", _PAYBACK, map(_payback, rows))


def _payback(row: Payback) -> Sequence[str]:
    return (
        text(", ".join(row.asset_ids)), text(f"{row.old}, by {row.new}"), usd(row.capital_usd),
        value(row.saving_per_run, money), interval(row.saving_per_run, money),
        _needed(row.runs_by_saving), _span(row.runs_by_saving),
        value(row.gain_per_run, money), _needed(row.runs_by_gain), _span(row.runs_by_gain),
        text("; ".join(_reasons(row))),
    )  # fmt: skip


def _reasons(row: Payback) -> Iterator[str]:
    for told, estimate in (("saving", row.runs_by_saving), ("gain", row.runs_by_gain)):
        if estimate.reason:
            yield f"{told}: {estimate.reason}"


def _needed(estimate: Estimate) -> str:
    return "-" if estimate.value is None else runs(estimate.value)


def _span(estimate: Estimate) -> str:
    """Both ends, or the lower one where there may be no upper."""
    if estimate.low is None:
        return "-"
    if estimate.high is None:
        return f"{runs(estimate.low)} or more"
    return f"{runs(estimate.low)} to {runs(estimate.high)}"
