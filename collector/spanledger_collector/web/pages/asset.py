"""One asset, or the assets of one run: entries of the books, and charges with their rates."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from spanledger_collector.errors import NotFoundError, PermanentError
from spanledger_collector.query import AssetChargeRow, AssetRow, Ledger
from spanledger_collector.web import figures
from spanledger_collector.web.asked import Asked
from spanledger_collector.web.parts import Figure, Figures, Note, Page, Part, Tabled
from spanledger_collector.web.table import Column, Table

from .paging import AT_ONCE, paging

_SHOWN: Final = 100


def page(ledger: Ledger, asked: Asked) -> Page:
    """The page."""
    asset_id, trace_id = asked.text("id"), asked.text("trace")
    if not asset_id and not trace_id:
        raise PermanentError("this page is about one asset: choose one on the page Assets")

    def read(offset: int, limit: int = AT_ONCE) -> Sequence[AssetChargeRow]:
        of = {"trace_id": trace_id, "run_id": asked.text("run")}
        return ledger.asset_charges(asset_id, **of, limit=limit, offset=offset)

    charges = read(asked.offset(), _SHOWN + 1)
    books: Iterator[Part] = iter(()) if trace_id else _books(ledger, asset_id)
    parts: list[Part] = [
        *books,
        Tabled("Charges to runs", _charges(charges[:_SHOWN], asked, read)),
        *paging(asked, charges, _SHOWN, "charges", ("Newer", "Older")),
    ]
    about = "Capital entry by entry, and what each run was charged of it, with the rate of then."
    if trace_id:
        about = "What was charged of assets, with the rate and the entries of that moment."
        parts.append(Note("", [], links=[("The trace", asked.link("trace", id=trace_id))]))
    return Page(
        "Charges of a run" if trace_id else "Asset", parts, about,
        name=trace_id or asset_id, at="assets", filters=frozenset(),
    )  # fmt: skip


def _books(ledger: Ledger, asset_id: str) -> Iterator[Part]:
    rows = [row for row in ledger.assets() if row.asset_id == asset_id]
    if not rows:
        raise NotFoundError(f"no asset {asset_id!r} is booked")
    yield _figures(rows[0])
    yield Tabled("Entries", _entries(ledger, asset_id))


def _figures(row: AssetRow) -> Figures:
    def money(title: str, amount: object, text: str, note: str, href: str = "#charges") -> Figure:
        return Figure(title, text, figures.exact(amount), note, href)

    units = figures.count(row.charged_units)
    rest = f"{figures.count(row.remaining_units)} expected still"
    return Figures(
        [
            money("Capital", row.capital_usd, figures.usd(row.capital_usd),
                  "sum of the entries below", "#entries"),
            money("Charged", row.charged_usd, figures.usd(row.charged_usd),
                  "sum of the charges below"),
            money("Left", row.net_book_value_usd, figures.usd(row.net_book_value_usd),
                  "capital less what was charged"),
            money("A unit carries", row.rate_usd, figures.usd(row.rate_usd),
                  f"{row.unit or 'unit'}, from now on"),
            money("Units charged", row.charged_units, units, rest),
            Figure("State", row.state.replace("_", " "), "", _about_state(row)),
        ]
    )  # fmt: skip


def _about_state(row: AssetRow) -> str:
    if row.unconverted_currencies:
        return f"no rate for {', '.join(row.unconverted_currencies)}: tell it in the price file"
    return row.method.replace("_", " ")


def _entries(ledger: Ledger, asset_id: str) -> Table:
    return Table(
        "entries", "Entries of its books, in the order they came",
        [
            Column("In the books (UTC)", "received_at", "moment"),
            Column("Entry", "entry"),
            Column("Name", "entry_id"),
            Column("Capital", "capital_usd", "usd",
                   "What it brought; less than 0: what it took.",
                   blank=lambda row: row.entry == "plan"),
            Column("Amount", "amount", "exact", "As told, in the currency told."),
            Column("Currency", "currency"),
            Column("Expected units", "expected_units", "count", "Of a plan: still to come then.",
                   blank=lambda row: not row.expected_units),
            Column("To asset", "to_asset_id"),
            Column("Why", "reason", is_prose=True),
            Column("Happened (UTC)", "occurred_at", "moment"),
        ],
        ledger.asset_entries(asset_id), query="asset_entries",
    )  # fmt: skip


def _charges(
    rows: Sequence[AssetChargeRow], asked: Asked, read: Callable[[int], Sequence[AssetChargeRow]]
) -> Table:
    def trace(row: AssetChargeRow) -> str:
        return asked.link("trace", id=row.trace_id)

    return Table(
        "charges", "Charges, newest first: units of a run times the rate of that moment",
        [
            Column("Posted (UTC)", "posted_at", "moment", link=trace),
            Column("Asset", "asset_id", link=lambda row: asked.link("asset", id=row.asset_id)),
            Column("Agent", "agent_name"),
            Column("Version", "agent_version"),
            Column("Units", "units", "count"),
            Column("Rate (USD)", "rate_usd", "exact",
                   "A unit: what was left to charge / units expected then."),
            Column("Charge", "amount_usd", "usd", "Units x rate, at most what was left.",
                   link=trace),
            Column("Charge, at least", "amount_low_usd", "usd_if_told",
                   "Had the high end of the units come that the plan expected."),
            Column("Charge, at most", "amount_high_usd", "usd_if_told",
                   "Had their low end come, or what came where that is more."),
            Column("Plan", "plan_id", help="Entry of the plan that it was charged by."),
            Column("Newest entry", "basis_id", help="Then; and how many entries and grants."),
            Column("Run", "run_id", link=trace),
        ],
        rows, empty="No run was charged.", query="asset_charges", from_offset=read,
        link=lambda row: asked.link("run", trace=row.trace_id, id=row.run_id),
    )  # fmt: skip
