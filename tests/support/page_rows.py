"""Rows and fields of the pages' tables that are more than one answer of the Python API."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

from tests.support.page_asked import Asked, report
from tests.support.page_fields import (
    Usd,
)

from spanledger_collector.query.titles import TITLES, in_full, worth_showing


def _named(*rows: tuple[Any, ...]) -> Sequence[Any]:
    return [SimpleNamespace(name=row[0], own=row[1], inclusive=row[-1]) for row in rows]


def _part(title: str, amount: Any, cost: Any, *, is_valued: bool) -> Usd:
    """A part of what an agent costs and earns, as it is told."""
    if title == "of which rework" and cost is None:
        return Usd(None)
    is_none = title == "Amortized cost" or (not is_valued and title in ("Value", "Margin"))
    return Usd(amount, not is_none)


def steps(asked: Asked) -> Sequence[Any]:
    sums = report(asked).total.sums
    parts = [
        ("Model calls", sums.model_cost_usd), ("Tools", sums.tool_cost_usd),
        ("People", sums.effort_cost_usd), ("Expenses", sums.expense_cost_usd),
    ]  # fmt: skip
    told = [
        *(part for part in parts if part[1] is not None), ("Variable cost", sums.cost_usd),
        ("of which rework", sums.rework_cost_usd), ("Amortized cost", sums.amortized_cost_usd),
        ("Total cost", sums.total_cost_usd), ("Value", sums.value_usd),
        ("Margin", sums.margin_usd),
    ]  # fmt: skip
    valued = sums.valued_runs > 0
    return _named(
        *((title, _part(title, usd, sums.cost_usd, is_valued=valued)) for title, usd in told)
    )


def with_sub_agents(asked: Asked) -> Sequence[Any]:
    sums = report(asked).total.sums
    names = ("cost", "rework_cost", "amortized_cost", "total_cost", "value", "margin")
    titles = ("Variable cost", "of which rework", "Amortized cost", "Total cost", "Value", "Margin")
    valued = sums.valued_runs > 0
    return _named(
        *(
            (
                title,
                _part(title, getattr(sums, f"{name}_usd"), sums.cost_usd, is_valued=valued),
                _part(
                    title, getattr(sums, f"inclusive_{name}_usd"), sums.inclusive_cost_usd,
                    is_valued=valued or sums.inclusive_value_usd is not None,
                ),
            )
            for title, name in zip(titles, names, strict=True)
        )
    )  # fmt: skip


def compared(asked: Asked) -> Sequence[Any]:
    """The two sides stand in the titles of the columns."""
    part = asked.part
    by: Any = asked.given.get("by", "version")
    told = asked.ledger.compare(
        part.agent_name, asked.titles[1], asked.titles[2], part.since, part.until, by=by
    )
    figures = {one.name: one for one in told.figures}
    shown = worth_showing(figures, lambda name: (figures[name].old, figures[name].new))
    return [
        SimpleNamespace(title=in_full(name), told=figures[name], is_usd=TITLES[name][1] == "usd")
        for name in shown
    ]


def side(*sides: str) -> Callable[[Any], Any]:
    """A figure of a side, or (of both) the difference: of what nobody told there is none."""

    def told(line: Any) -> Any:
        reasons = {getattr(line.told, side).reason for side in sides}
        value = getattr(line.told, sides[0] if len(sides) == 1 else "difference").value
        return Usd(value, "no run has a value" not in reasons) if line.is_usd else value

    return told


def shares(asked: Asked) -> Sequence[Any]:
    """Parts of a run, and how each of them is made."""
    (run,) = [
        one for one in asked.ledger.trace(asked.given["trace"]).runs
        if one.run_id == asked.given["id"]
    ]  # fmt: skip
    told = [
        ("Variable cost", run.cost_usd, "sum of its attempts"),
        ("of which rework", None if run.cost_usd is None else run.rework_cost_usd,
         "attempts with a reason"),
        ("Amortized cost", run.amortized_cost_usd, "its shares of assets"),
        ("Total cost", run.total_cost_usd, "variable and amortized"),
        ("Revenue", run.revenue_usd, "sum of its records"),
        ("Value of outcomes", run.outcome_value_usd, "sum of its records"),
        ("Worth by rules", run.rule_value_usd, "only where nothing was recorded"),
        ("Value", run.value_usd, run.value_source or "nobody said"),
        ("Margin", run.margin_usd, "value less total cost"),
        ("Total cost, with sub-agents", run.inclusive_total_cost_usd,
         "its own and that of the runs below it"),
        ("Value, with sub-agents", run.inclusive_value_usd,
         "its own and what was recorded below it"),
        ("Margin, with sub-agents", run.inclusive_margin_usd, "that value less that cost"),
    ]  # fmt: skip
    valued = run.value_source != "" or run.unconverted_records > 0
    own_alone = ("Amortized cost", "Revenue", "Value of outcomes", "Worth by rules")
    untold = own_alone if valued else (*own_alone, "Value", "Margin")
    if not valued and run.inclusive_value_usd is None:
        untold = (*untold, "Value, with sub-agents", "Margin, with sub-agents")
    return [
        SimpleNamespace(name=name, own=Usd(own, name not in untold), how=how)
        for name, own, how in told
    ]


def spans(asked: Asked) -> Sequence[Any]:
    return asked.ledger.trace(asked.given["id"]).spans


def own(field: str) -> Callable[[Any], Any]:
    return lambda span: getattr(span, field) if span.attempts and span.counted else None


def own_usd(field: str) -> Callable[[Any], Usd]:
    return lambda span: Usd(getattr(span, field), bool(span.attempts and span.counted))


def wasted(span: Any) -> Usd:
    """Of a span with attempts that were wasted."""
    is_wasted = span.rework_cost_usd is not None or span.rework_reason or span.retries
    return Usd(span.rework_cost_usd, bool(span.attempts and span.counted and is_wasted))


def change(row: Any) -> Usd:
    return Usd(row.change_usd)


def last(row: Any) -> str:
    nameless = {"agent": "(outside any agent)", "model": "(no model)"}
    nameless |= {"tool_price": "(price of the tool)"}
    return row.names[-1] or nameless[row.kinds[-1]] if row.depth else "all"
