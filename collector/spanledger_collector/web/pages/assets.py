"""Assets: what was paid once, how much of it runs carry, and when it is earned back."""

from __future__ import annotations

from spanledger_collector.query import AssetRow, AssetShareRow, Ledger
from spanledger_collector.web.asked import Asked
from spanledger_collector.web.parts import Page, Tabled
from spanledger_collector.web.table import Column, Table

from .break_even import break_even

_NONE = "No asset is booked. spanledger.assets.book_cost() and plan() book one."


def page(ledger: Ledger, asked: Asked) -> Page:
    """The page."""

    def book(row: AssetRow) -> str:
        return asked.link("asset", id=row.asset_id)

    books = Table(
        "assets", "Assets as their books stand, most left first",
        [
            Column("Asset", "asset_id", link=book),
            Column("Kind", "kind"),
            Column("Agent", "agent_name", name="(all)", link=lambda row: asked.link(
                "agent", agent=row.agent_name) if row.agent_name else ""),
            Column("Version", "agent_version", name="(all)"),
            Column("Method", "method"),
            Column("Unit", "unit"),
            Column("Capital", "capital_usd", "usd", "Booked, less what was taken off.", link=book),
            Column("Charged", "charged_usd", "usd", "What runs carried so far.", link=book),
            Column("Left", "net_book_value_usd", "usd", "Capital less what was charged.",
                   link=book),
            Column("Written off", "written_off_usd", "usd_if_told", link=book),
            Column("Refused", "refused_usd", "usd_if_told",
                   "Write-offs, transfers and credits beyond what was left: in no sum.", link=book),
            Column("A unit carries", "rate_usd", "usd", link=book),
            Column("A unit, at least", "rate_low_usd", "usd_if_told",
                   "Had the high end of the expected units come.", link=book),
            Column("A unit, at most", "rate_high_usd", "usd_if_told",
                   "Had their low end come, or what came where that is more.", link=book),
            Column("Units charged", "charged_units", "count", link=book),
            Column("Units left", "remaining_units", "count", link=book),
            Column("Days end (UTC)", "ends_at", "moment",
                   "Straight line per time: later runs are not charged.", link=book,
                   blank=lambda row: row.ends_at is None),
            Column("Unabsorbed", "unabsorbed_usd", "usd_if_told",
                   "Straight line per time: what no run carried.", link=book),
            Column("State", "state"),
            Column("Estimates", "estimates", "count", link=book),
            Column("Unconverted", "unconverted_entries", "count",
                   "Costs in a currency without a rate: in no sum.", link=book),
        ],
        ledger.assets(), empty=_NONE, query="assets",
    )  # fmt: skip
    earned = break_even(
        asked, "Assets by the runs that they serve, and the runs that earn them back",
        ledger.break_even(),
    )  # fmt: skip

    def asset(row: AssetShareRow) -> str:
        return asked.link("asset", id=row.asset_id)

    carried = Table(
        "shares", "What agents carry of assets",
        [
            Column("Asset", "asset_id", link=asset),
            Column("Agent", "agent_name", link=lambda row: asked.link(
                "agent", agent=row.agent_name)),
            Column("Version", "agent_version", name="(none)"),
            Column("Runs charged", "runs", "count", link=asset),
            Column("Carried", "charged_usd", "usd", link=asset),
            Column("Carried, at least", "charged_low_usd", "usd_if_told",
                   "Had the high end of the expected units come.", link=asset),
            Column("Carried, at most", "charged_high_usd", "usd_if_told",
                   "Had their low end come, or what came where that is more.",
                   link=asset),
            Column("A run", "per_run_usd", "usd", link=asset),
            Column("A run, at least", "per_run_low_usd", "usd_if_told", link=asset),
            Column("A run, at most", "per_run_high_usd", "usd_if_told", link=asset),
        ],
        ledger.asset_shares(), empty="No run carries a share.", query="asset_shares",
    )  # fmt: skip
    return Page(
        "Assets and amortization",
        [Tabled("Books", books), Tabled("Shares", carried), Tabled("Break-even", earned)],
        "What was paid once and serves many runs.",
        filters=frozenset(),
    )
