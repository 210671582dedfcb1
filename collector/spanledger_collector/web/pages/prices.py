"""Prices and coverage: how much of the cost is known, and by which rows of the price book."""

from __future__ import annotations

from spanledger_collector.query import CoverageRow, Ledger, PriceUsedRow, waiting
from spanledger_collector.web.asked import Asked
from spanledger_collector.web.parts import Note, Page, Tabled
from spanledger_collector.web.table import Column, Table

from .columns import models

_UNPLACED = (
    "Of the whole ledger, whatever is filtered here: a mistyped key, a run that was never sent or "
    "is still to come. `spanledger records list --unplaced` lists them."
)

_PER_MILLION = "for a million tokens, in the currency"


def page(ledger: Ledger, asked: Asked) -> Page:
    """The page."""
    part = asked.part()

    def known(row: CoverageRow) -> str:
        return asked.link("attempts", price=row.price_status, usage=row.usage_source)

    def priced(row: PriceUsedRow) -> str:
        return asked.link("attempts", row=row.price_id)

    coverage = Table(
        "coverage", "Counted attempts by what is known of their price and usage",
        [
            Column("Price", "price_status"),
            Column("Usage", "usage_source"),
            Column("Attempts", "attempts", "count", link=known),
            Column("Of attempts", "attempts_ratio", "ratio", link=known),
            Column("Tokens", "tokens", "count", link=known),
            Column("Of tokens", "tokens_ratio", "ratio", link=known),
            Column("Cost", "cost_usd", "usd", link=known),
        ],
        ledger.coverage_of(part), query="coverage",
    )  # fmt: skip
    by_model = Table(
        "by-model", "Attempts by model, and how much of their cost is known", models(asked),
        ledger.attempts_by("model", part), query="attempts_by",
    )  # fmt: skip
    used = Table(
        "prices", "Rows of the price book that priced these attempts",
        [
            Column("Model", "model"),
            Column("Provider", "provider"),
            Column("Tier", "service_tier", name="standard"),
            Column("Region", "region", name="anywhere"),
            Column("Currency", "currency"),
            Column("Input", "input_per_million", "exact", "For a million tokens.",
                   measure=_PER_MILLION),
            Column("Cache read", "cache_read_per_million", "exact", "For a million tokens.",
                   measure=_PER_MILLION),
            Column("Output", "output_per_million", "exact", "For a million tokens.",
                   measure=_PER_MILLION),
            Column("Valid from", "valid_from", "moment"),
            Column("Known from", "known_from", "moment"),
            Column("Attempts", "attempts", "count", link=priced),
            Column("Cost", "cost_usd", "usd", link=priced),
            Column("Source", "upstream", is_prose=True),
            Column("Published at", "source_url", is_prose=True),
        ],
        ledger.prices_used(part), query="prices_used", link=priced,
    )  # fmt: skip
    unknown = "Unknown is not zero: an attempt without a price is in no sum, and makes it a bound."
    unplaced = waiting(ledger.unplaced_amounts())
    return Page(
        "Prices and coverage",
        [
            Note("", [unknown]),
            *([Note("Records of no run", [unplaced, _UNPLACED], tone="warn")] if unplaced else []),
            Tabled("Coverage", coverage),
            Tabled("By model", by_model),
            Tabled("Price rows", used),
        ],
        "How much of the cost is known, and where the rates come from.",
    )
