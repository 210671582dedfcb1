"""How a cost came about, so that it can be redone on paper."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from spanledger_collector.errors import PermanentError
from spanledger_collector.query import Explanation, Ledger
from spanledger_collector.web import figures
from spanledger_collector.web.asked import Asked
from spanledger_collector.web.parts import Note, Page, Part, Tabled
from spanledger_collector.web.table import Column, Table

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
        parts.insert(0, Note("", [], links=[("The trace", asked.link("trace", id=trace_id))]))
    return Page(
        "How it came about", parts,
        "Quantity times rate, line by line; the sum is rounded once, half even, to 12 decimals.",
        name=identifier, at="runs", filters=frozenset(),
    )  # fmt: skip


def _parts(number: int, one: Explanation) -> Iterator[Part]:
    a = one.attempt
    model = a.response_model or a.request_model
    title = figures.printable(
        f"{a.operation} {model}: {figures.usd(a.cost_usd)}, attempt {a.attempt_number} of span "
        f"{a.span_id}"
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
    cost = figures.exact(one.attempt.cost_usd) or figures.UNKNOWN
    yield f"sum ${figures.exact(one.exact_usd)}, rounded half even to 12 decimals: ${cost}"
    if not one.adds_up:
        yield "the lines do not add up: the price row changed under it; settle the trace again"
