"""How a cost came about, so that it can be redone on paper."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from spanledger_collector.errors import PermanentError
from spanledger_collector.query import Explanation, Ledger
from spanledger_collector.web import figures
from spanledger_collector.web.asked import Asked
from spanledger_collector.web.parts import Figure, Figures, Note, Page, Part, Tabled
from spanledger_collector.web.table import Column, Table

from .columns import is_lower_bound
from .paging import paging

#: Attempts on one page.
_SHOWN: Final = 50


def page(ledger: Ledger, asked: Asked) -> Page:
    """The page."""
    identifier = asked.text("id")
    if not identifier:
        raise PermanentError("this page explains one trace or span: choose an amount to see how")
    offset = asked.offset()
    explained = ledger.explain(
        identifier, trace_id=asked.text("trace"), offset=offset, limit=_SHOWN + 1
    )
    links = list(paging(asked, explained, _SHOWN, "attempts", ("Earlier", "Later")))
    parts: list[Part] = [*links]
    for number, one in enumerate(explained[:_SHOWN], offset + 1):
        parts += _parts(number, one)
    parts += links
    if explained:
        trace_id = explained[0].attempt.trace_id
        if trace_id == identifier.strip().lower():
            parts.insert(0, _total(ledger, asked, trace_id))
        parts.insert(0, Note("", [], links=[("The trace", asked.link("trace", id=trace_id))]))
    return Page(
        "How it came about", parts,
        "Quantity times rate, line by line; the sum is rounded once, half even, to 12 decimals.",
        name=identifier, at="runs", filters=frozenset(),
    )  # fmt: skip


def _total(ledger: Ledger, asked: Asked, trace_id: str) -> Figures:
    """What the amounts of the whole trace sum to."""
    row = ledger.trace(trace_id, with_attempts=False).summary
    cost = figures.usd(row.cost_usd, at_least=is_lower_bound(row))
    counted = figures.counted(row.attempts, "counted attempt")
    note = f"{counted}, {row.unpriced_attempts:,} of unknown cost"
    trace = asked.link("trace", id=trace_id)
    return Figures([Figure("Variable cost", cost, figures.exact(row.cost_usd), note, trace)])


def _parts(number: int, one: Explanation) -> Iterator[Part]:
    a = one.attempt
    model = a.response_model or a.request_model
    title = figures.printable(
        f"{a.operation} {model}: {figures.usd(a.cost_usd)}{'' if a.counted else ', not counted'}, "
        f"attempt {a.attempt_number} of span {a.span_id}"
    )
    told = [f"{a.outcome}, {a.price_status}", *_sum(one), *one.reasons]
    if not one.lines:
        yield Note(title, told)
        return
    table = Table(
        f"lines-{number}", "Quantity x rate, line by line",
        [
            Column("Unit", "unit"),
            Column("Quantity", "quantity", "count"),
            Column("Rate (USD)", "rate_usd", "exact", "For so many as the next column says."),
            Column("For", "rate_per", "count"),
            Column("Cost (USD)", "cost_usd", "exact"),
        ],
        one.lines, query="explain_charges",
    )  # fmt: skip
    yield Tabled(title, table)
    yield Note("", told)


def _sum(one: Explanation) -> Iterator[str]:
    if one.exact_usd is None:
        return
    cost = one.attempt.cost_usd
    told = figures.UNKNOWN if cost is None else figures.exact_usd(cost)
    yield f"sum {figures.exact_usd(one.exact_usd)}, rounded half even to 12 decimals: {told}"
    if not one.adds_up:
        yield "the lines do not add up: the price row changed under it; settle the trace again"
