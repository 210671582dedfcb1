"""Bills as clouds write them, against a ledger of real model ids that the shipped book prices."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from tests.collector.settle import scene

from spanledger_collector.price import PriceBook, publish
from spanledger_collector.query import ChargeRow, DirectReader, Ledger
from spanledger_collector.reconcile import BillLine, Book, Difference, read_export, reconcile
from spanledger_collector.store import Store

DAY = date(2026, 11, 2)
_KNOWN = "2100-01-01 00:00:00"
#: Provider and model as on spans; each call has 1000 tokens in and 100 out.
CALLS = (
    ("aws.bedrock", "us.anthropic.claude-sonnet-4-5-20250929-v1:0"),
    ("aws.bedrock", "global.anthropic.claude-sonnet-4-5-20250929-v1:0"),
    ("bedrock", "amazon.nova-pro-v1:0"),
    ("aws.bedrock", "meta.llama3-3-70b-instruct-v1:0"),
    ("azure.ai.openai", "gpt-4o-2024-08-06"),
    ("azure_openai", "gpt-4o-mini"),
    ("openai", "gpt-4o-2024-08-06"),
    ("gcp.vertex_ai", "gemini-2.5-pro"),
    ("gcp.gemini", "gemini-2.5-pro"),
)
CUR = (
    "line_item_usage_start_date,line_item_product_code,line_item_line_item_type,"
    "line_item_usage_type,line_item_usage_amount,pricing_unit,line_item_unblended_cost\n"
)
FOCUS = (
    "ChargePeriodStart,ServiceName,ChargeCategory,SkuMeter,ConsumedQuantity,ConsumedUnit,"
    "BilledCost,BillingCurrency\n"
)
#: A bill's text -> how it differs from the ledger.
Held = Callable[[str], Sequence[Difference]]


@pytest.fixture(scope="module", name="book")
def _book() -> PriceBook:
    return PriceBook.shipped()


@pytest.fixture(scope="module", name="charges")
def _charges(module_store: Store, book: PriceBook) -> Sequence[ChargeRow]:
    spans = [
        scene.call(number, 0, (1000, 100), provider=provider, request_model=model,
                   received_at=_KNOWN)
        for number, (provider, model) in enumerate(CALLS, 1)
    ]  # fmt: skip
    with module_store.connect() as connection:
        publish(connection, book)
        scene.load(connection, spans)
        settler = scene.settler(module_store, resolve=book.resolve, book_id=book.book_id)
        settler.settle_traces([("default", scene.hex32(1))])
        settler.stop(drain=False)
    return Ledger(DirectReader(module_store)).charges()


def _names(book: PriceBook) -> Book:
    def resolve(provider: str, model: str) -> tuple[str, str] | None:
        match = book.resolve(provider, model)
        return (match.provider, match.model) if match.model else None

    return Book(book.provider_name, resolve)


@pytest.fixture(name="held")
def _held(tmp_path: Path, charges: Sequence[ChargeRow], book: PriceBook) -> Held:
    def held(text: str) -> Sequence[Difference]:
        path = tmp_path / "bill.csv"
        path.write_text(text, encoding="utf-8")
        return reconcile(read_export(path).lines, charges, _names(book)).differences

    return held


def test_a_cost_and_usage_report_of_bedrock(held: Held) -> None:
    """At the list prices of November 2026 the bill is the ledger, model by model."""
    rows = (
        ("USE1-Claude4.5Sonnet-input-tokens", "1", "0.0033"),
        ("USE1-Claude4.5Sonnet-output-tokens", "0.1", "0.00165"),
        ("USE1-Claude4.5Sonnet-input-tokens-cross-region-global", "1", "0.003"),
        ("USE1-Claude4.5Sonnet-output-tokens-cross-region-global", "0.1", "0.0015"),
        ("USE1-NovaPro-input-tokens", "1", "0.0008"),
        ("USE1-NovaPro-output-tokens", "0.1", "0.00032"),
        ("USE1-Llama3-3-70B-input-tokens", "1", "0.00072"),
        ("USE1-Llama3-3-70B-output-tokens", "0.1", "0.000072"),
    )
    text = CUR + "".join(
        f"2026-11-02T00:00:00Z,AmazonBedrock,Usage,{usage},{amount},1K tokens,{usd}\n"
        for usage, amount, usd in rows
    )
    found = held(text)
    assert {(row.provider, row.model): (row.billed_usd, dict(row.causes)) for row in found} == {
        ("aws", "regional.anthropic.claude-sonnet-4-5-20250929-v1:0"): (Decimal("0.00495"), {}),
        ("aws", "global.anthropic.claude-sonnet-4-5-20250929-v1:0"): (Decimal("0.0045"), {}),
        ("aws", "amazon.nova-pro-v1:0"): (Decimal("0.00112"), {}),
        ("aws", "meta.llama3-3-70b-instruct-v1:0"): (Decimal("0.000792"), {}),
    }


@pytest.mark.parametrize(
    ("service", "rows", "biller", "billed"),
    [
        ("Azure OpenAI",
         (("gpt-4o-0806-Inp-glbl", "1", "1K", "0.0025"),
          ("gpt-4o-0806-Outp-glbl", "0.1", "1K", "0.001"),
          ("gpt 4o mini Input global Tokens", "1", "1K tokens", "0.00015"),
          ("gpt 4o mini Output global Tokens", "0.1", "1K tokens", "0.00006")),
         "azure", {"gpt-4o": "0.0035", "gpt-4o-mini": "0.00021"}),
        ("Vertex AI",
         (("Gemini 2.5 Pro Text Input - Predictions", "1000", "count", "0.00125"),
          ("Gemini 2.5 Pro Text Output - Predictions", "100", "count", "0.001")),
         "gcp.vertex_ai", {"gemini-2.5-pro": "0.00225"}),
        ("Gemini API",
         (("Gemini 2.5 Pro Text Input", "1000", "count", "0.00125"),
          ("Gemini 2.5 Pro Text Output", "100", "count", "0.001")),
         "google", {"gemini-2.5-pro": "0.00225"}),
    ],
)  # fmt: skip
def test_focus_of_the_other_clouds(
    held: Held, service: str, rows: Sequence[tuple[str, ...]], biller: str, billed: dict[str, str]
) -> None:
    """Each meets its own calls only: not OpenAI's, not the Gemini API's beside Vertex AI's."""
    text = FOCUS + "".join(
        f"2026-11-02T00:00:00Z,{service},Usage,{meter},{amount},{unit},{usd},USD\n"
        for meter, amount, unit, usd in rows
    )
    found = held(text)
    assert {(row.provider, row.model): row.billed_usd for row in found} == {
        (biller, model): Decimal(usd) for model, usd in billed.items()
    }
    assert [dict(row.causes) for row in found] == [{}] * len(billed)


def test_an_openai_bill_beside_calls_of_azure(
    charges: Sequence[ChargeRow], book: PriceBook
) -> None:
    """Azure's calls have OpenAI's price, and are not on OpenAI's bill."""
    bill = [
        BillLine(DAY, "openai", "gpt-4o-2024-08-06", "", unit, Decimal(tokens), Decimal(usd))
        for unit, tokens, usd in (("input", 1000, "0.0025"), ("output", 100, "0.001"))
    ]
    [row] = reconcile(bill, charges, _names(book)).differences
    assert (row.provider, row.model, row.ledger_usd) == ("openai", "gpt-4o", Decimal("0.0035"))
    assert not row.causes


def test_charges_end_before_the_day_at_whose_midnight_they_end(
    module_store: Store, charges: Sequence[ChargeRow]
) -> None:
    ledger, midnight = Ledger(DirectReader(module_store)), scene.START.replace(hour=0)
    assert ledger.charges(until=midnight) == []
    assert ledger.charges(midnight, midnight.replace(day=3)) == charges
