"""A contract holds with whoever was called: Azure and Vertex AI are not the makers they resell."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timezone
from decimal import Decimal
from functools import cache

import pytest
from tests.collector.price.oracle import rows_at
from tests.collector.settle import scene

from spanledger_collector.price import PriceBook, publish
from spanledger_collector.price.document import read
from spanledger_collector.store import Store

_MTOK = Decimal(1_000_000)
_NOW = datetime(2026, 11, 24, 12, tzinfo=timezone.utc)
_BEFORE = datetime(2026, 5, 31, tzinfo=timezone.utc)
_SINCE = "valid_from: 2026-06-01, why: contract"


@pytest.fixture(name="with_entries", scope="module")
def _with_entries(
    book: PriceBook, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], PriceBook]:
    """The shipped book with an operator's file; each is made once."""
    path = tmp_path_factory.mktemp("sellers") / "prices.yaml"

    @cache
    def made(text: str) -> PriceBook:
        path.write_text(text)
        return PriceBook(book.contents, book.book_id, read(path))

    return made


def _input_usd(
    book: PriceBook, provider: str, model: str, at: datetime = _NOW, region: str = ""
) -> Decimal | None:
    """USD for a million input tokens of a call."""
    match = book.resolve(provider, model)
    rows = [r for r in book.rows() if (r.provider, r.model) == (match.provider, match.model)]
    found = rows_at(rows, "", at, 1, _NOW, region=region)
    if not found:
        return None
    (row,) = found
    rate = row.rates.input_usd_per_token
    return None if rate is None else rate * _MTOK


_OPENAI_HALF = f"{{provider: openai, models: [gpt-4o], discount_percent: '50', {_SINCE}}}"
_AZURE_TENTH = f"{{provider: azure, models: ['gpt-4o*'], discount_percent: '10', {_SINCE}}}"
_VERTEX_HALF = f"{{provider: gcp.vertex_ai, models: ['*'], discount_percent: '50', {_SINCE}}}"
_GEMINI_HALF = f"{{provider: gcp.gemini, models: ['gemini-*'], discount_percent: '50', {_SINCE}}}"
_CLAUDE_HALF = f"{{provider: anthropic, models: ['*'], discount_percent: '50', {_SINCE}}}"
_OWN = f"usd_per_million_tokens: {{input: '1'}}, {_SINCE}"
_OWN_OPENAI = f"{{provider: openai, model: gpt-4o, {_OWN}}}"
_OWN_AZURE = f"{{provider: azure.ai.openai, model: gpt-4o, {_OWN}}}"
_OWN_VERTEX = f"{{provider: vertex_ai, model: gemini-2.5-pro, {_OWN}}}"


@pytest.mark.parametrize(
    ("entries", "provider", "model", "usd"),
    [
        (f"adjustments: [{_OPENAI_HALF}]", "openai", "gpt-4o", "1.25"),
        (f"adjustments: [{_OPENAI_HALF}]", "azure.ai.openai", "gpt-4o", "2.5"),
        (f"adjustments: [{_OPENAI_HALF}]", "litellm", "azure/gpt-4o", "2.5"),
        (f"adjustments: [{_OPENAI_HALF}]", "litellm", "openai/gpt-4o", "1.25"),
        (f"adjustments: [{_AZURE_TENTH}]", "azure", "gpt-4o-2024-11-20", "2.25"),
        (f"adjustments: [{_AZURE_TENTH}]", "openai", "gpt-4o-2024-11-20", "2.5"),
        (f"adjustments: [{_AZURE_TENTH}, {_OPENAI_HALF}]", "azure", "gpt-4o", "2.25"),
        (f"adjustments: [{_AZURE_TENTH}, {_OPENAI_HALF}]", "openai", "gpt-4o", "1.25"),
        (f"adjustments: [{_VERTEX_HALF}]", "gcp.vertex_ai", "google/gemini-2.5-pro", "0.625"),
        (f"adjustments: [{_VERTEX_HALF}]", "vertex_ai", "claude-sonnet-4-5@20250929", "1.5"),
        (f"adjustments: [{_VERTEX_HALF}]", "gcp.gemini", "gemini-2.5-pro", "1.25"),
        (f"adjustments: [{_GEMINI_HALF}]", "google", "gemini-2.5-pro", "0.625"),
        (f"adjustments: [{_GEMINI_HALF}]", "gcp.vertex_ai", "gemini-2.5-pro", "1.25"),
        (f"adjustments: [{_CLAUDE_HALF}]", "anthropic", "claude-opus-4-1", "7.5"),
        (f"adjustments: [{_CLAUDE_HALF}]", "azure_ai", "claude-opus-4-1", "15"),
        (f"adjustments: [{_CLAUDE_HALF}]", "gcp.vertex_ai", "claude-opus-4-1", "15"),
        (f"prices: [{_OWN_OPENAI}]", "openai", "gpt-4o", "1"),
        (f"prices: [{_OWN_OPENAI}]", "azure.ai.openai", "gpt-4o", "2.5"),
        (f"prices: [{_OWN_AZURE}]", "azure", "gpt-4o", "1"),
        (f"prices: [{_OWN_AZURE}]", "azure", "gpt-4o-2024-11-20", "1"),
        (f"prices: [{_OWN_AZURE}]", "openai", "gpt-4o", "2.5"),
        (f"prices: [{_OWN_VERTEX}]", "gcp.vertex_ai", "gemini-2.5-pro", "1"),
        (f"prices: [{_OWN_VERTEX}]", "gcp.gemini", "gemini-2.5-pro", "1.25"),
    ],
)
def test_an_entry_holds_with_whoever_was_called(
    with_entries: Callable[[str], PriceBook], entries: str, provider: str, model: str, usd: str
) -> None:
    assert _input_usd(with_entries(entries), provider, model) == Decimal(usd)


def test_a_sellers_own_price_begins_where_the_list_price_ends(
    with_entries: Callable[[str], PriceBook],
) -> None:
    """The seller's rows have the maker's history: nothing is unpriced before the contract."""
    book = with_entries(f"prices: [{_OWN_AZURE}]")
    assert _input_usd(book, "azure", "gpt-4o", at=_BEFORE) == Decimal("2.5")


def test_a_deployment_is_billed_by_the_provider_that_was_called(
    with_entries: Callable[[str], PriceBook],
) -> None:
    """Also where its alias says whose model it is, and where it has a price of its own."""
    entries = f"""
adjustments: [{_OPENAI_HALF}]
aliases:
  - {{provider: azure, id: "prod-*", to_provider: openai, model: gpt-4o}}
  - {{provider: azure, id: dear, to_provider: openai, model: gpt-4o, factor: "2"}}
  - {{provider: our-gateway, id: fast, to_provider: openai, model: gpt-4o}}
"""
    book = with_entries(entries)
    assert _input_usd(book, "azure.ai.openai", "prod-7") == Decimal("2.5")
    assert _input_usd(book, "azure.ai.openai", "dear") == Decimal(5)
    assert _input_usd(book, "our-gateway", "fast") == Decimal("1.25"), "it sends no bill of its own"


def test_a_data_zone_is_of_whom_it_is_bought_from(with_entries: Callable[[str], PriceBook]) -> None:
    entry = f"{{provider: azure, models: [gpt-4o], region: eu, factor: '1.10', {_SINCE}}}"
    book = with_entries(f"adjustments: [{entry}]")
    assert _input_usd(book, "azure", "gpt-4o", region="eu") == Decimal("2.75")
    assert _input_usd(book, "azure", "gpt-4o") == Decimal("2.5")


def test_without_such_an_entry_the_book_is_as_shipped(
    book: PriceBook, with_entries: Callable[[str], PriceBook]
) -> None:
    other = f"prices: [{{provider: acme, model: x, {_OWN}}}]"
    mine = with_entries(other)
    assert len(mine.rows()) == len(book.rows()) + 1
    assert mine.resolve("azure", "gpt-4o") == book.resolve("azure", "gpt-4o")
    assert mine.resolve("vertex_ai", "gemini-2.5-pro") == book.resolve("google", "gemini-2.5-pro")


def test_the_ledger_bills_by_who_was_called(
    with_entries: Callable[[str], PriceBook], store: Store
) -> None:
    """From the published rows through settling: 1,000 input tokens at half, and at list price."""
    mine = with_entries(f"adjustments: [{_OPENAI_HALF}]")
    spans = [
        scene.call(1, 0, (1000, 0), provider="openai", request_model="gpt-4o"),
        scene.call(2, 0, (1000, 0), provider="azure.ai.openai", request_model="gpt-4o"),
    ]
    with store.connect() as connection:
        publish(connection, mine)
        assert publish(connection, mine) == 0
        scene.load(connection, spans)
        settler = scene.settler(store, resolve=mine.resolve, book_id=mine.book_id)
        settler.settle_traces([("default", scene.hex32(1))])
        settler.stop(drain=False)
        costs = {row["provider"]: row["cost_usd"] for row in scene.attempts(connection)}
    assert costs == {"openai": Decimal("0.00125"), "azure.ai.openai": Decimal("0.0025")}
