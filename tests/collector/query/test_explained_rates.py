"""The explanation says how a price row came to its rates: hours, region, currency, contract.

Calls settled at the shipped book and an operator's file; each is redone by hand from its reasons.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from tests.collector.settle import scene

from spanledger_collector.price import PriceBook, publish
from spanledger_collector.query import DirectReader, Explanation, Ledger
from spanledger_collector.store import Store

_PRICES = """
prices:
- {provider: acme, model: night, valid_from: 2026-01-01, why: peak,
   usd_per_million_tokens: {input: "4", output: "8"},
   hours: {utc_offset: "+08:00", days: [mon, tue], times: ["09:00-12:00", "14:00-18:00"]}}
- {provider: acme, model: night, valid_from: 2026-01-01, why: off-peak,
   usd_per_million_tokens: {input: "1", output: "2"},
   hours: {utc_offset: "+08:00", days: [mon, tue], times: ["09:00-12:00", "14:00-18:00"],
           outside: true}}
- {provider: acme, model: placed, valid_from: 2026-01-01, why: list,
   usd_per_million_tokens: {input: "1", output: "2"}}
- {provider: acme, model: placed, region: us, valid_from: 2026-01-01, why: list,
   usd_per_million_tokens: {input: "3", output: "4"}}
- {provider: acme, model: euro, currency: EUR, valid_from: 2026-01-01, why: list,
   per_million_tokens: {input: "2", output: "6"}}
- {provider: ollama, model: ours, valid_from: 2026-01-01, why: share of our machine,
   usd_per_million_tokens: {input: "1", output: "2"}}
provisioned:
- {provider: azure, model: our-ptu, usd_per_hour: "62", tokens_per_hour: 3000000,
   valid_from: 2026-06-01, why: 100 units}
aliases:
- {provider: azure, id: prod-eu, to_provider: openai, model: gpt-4.1-mini, factor: "1.10"}
fx:
- {currency: EUR, usd: "1.10", valid_from: 2026-11-01}
- {currency: EUR, usd: "1.08", valid_from: 2026-11-02, source_url: "https://fx.example/day"}
adjustments:
- {provider: openai, models: [gpt-5-mini], discount_percent: "12.5", valid_from: 2026-06-01,
   why: contract of June}
- {provider: openai, models: [gpt-4o], region: "*", factor: "1.10", valid_from: 2026-06-01,
   why: data zone}
"""


def _call(number: int, model: str, at: str, region: str = "", provider: str = "acme") -> scene.Row:
    moment = f"2026-11-{at}:00"
    return scene.call(
        number, 0, (1000, 100), provider=provider, request_model=model, started_at=moment,
        ended_at=moment, received_at=moment, attributes={"spanledger.inference.region": region},
    )  # fmt: skip


_CALLS = [
    _call(1, "night", "02 01:20"),
    _call(2, "night", "02 05:00"),
    _call(3, "placed", "02 12:00", "us"),
    _call(4, "placed", "02 12:00", "eu"),
    _call(5, "placed", "02 12:00"),
    _call(6, "euro", "02 12:00"),
    _call(7, "euro", "20 12:00"),
    _call(8, "gpt-5-mini", "02 12:00", provider="openai"),
    _call(9, "gpt-4o", "02 12:00", "westeurope", provider="openai"),
    _call(10, "gpt-4o", "02 12:00", provider="openai"),
    _call(11, "deepseek-v4-flash", "02 01:20", provider="deepseek"),
    _call(12, "claude-opus-4-8", "02 12:00", "us", provider="anthropic"),
    _call(13, "prod-eu", "02 12:00", provider="azure.ai.openai"),
    _call(14, "our-ptu", "02 12:00", provider="azure.ai.openai"),
    _call(15, "ours", "02 12:00", provider="ollama"),
    {**_call(16, "placed", "02 12:00"), "service_tier": "flex"},
]


@pytest.fixture(scope="module", name="explained")
def _explained(
    module_store: Store, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[int, Explanation]]:
    path = tmp_path_factory.mktemp("prices") / "prices.yaml"
    path.write_text(_PRICES)
    book = PriceBook.shipped(Path(path))
    with module_store.connect() as connection:
        publish(connection, book)
        scene.load(connection, _CALLS)
    settler = scene.settler(module_store, resolve=book.resolve, book_id=book.book_id)
    settler.settle_traces([("default", scene.hex32(1))])
    settler.stop(drain=False)
    with Ledger(DirectReader(module_store)) as ledger:
        yield {int(one.attempt.span_id, 16): one for one in ledger.explain(scene.hex32(1))}


@pytest.mark.parametrize(
    ("number", "usd", "said"),
    [
        (1, "0.0048", "hours: rates of Mon 01:00 to Mon 04:00 UTC, one of the row's 4 windows"),
        (1, "0.0048", "the call started Mon 01:20"),
        (2, "0.0012", "hours: rates of Mon 04:00 to Mon 06:00 UTC"),
        (3, "0.0034", "region: us was told and has rates of its own"),
        (4, "0.0012", "region: eu was told and has no rates of its own; those of anywhere"),
        (6, "0.002808", "currency: the rates are in EUR; 1 EUR = $1.08, the rate of 2026-11-02"),
        (6, "0.002808", "known from 2026-11-02, source: https://fx.example/day"),
        (7, None, "in EUR, of which the book has no rate of the day"),
        (8, "0.00039375", "input 0.00000025 USD x 0.875"),
        (9, "0.00385", "region: westeurope was told; rates of any region"),
        (9, "0.00385", "adjusted (data zone) from the list price, row"),
        (9, "0.00385", "input 0.0000025 USD x 1.1"),
        (11, "0.00042", "hours: rates of Mon 01:00 to Mon 04:00 UTC"),
        (12, "0.00825", "region: us was told and has rates of its own"),
        (12, "0.00825", "input 0.000005 USD x 1.1"),
    ],
)  # fmt: skip
def test_the_rates_are_told_with_where_they_come_from(
    explained: dict[int, Explanation], number: int, usd: str | None, said: str
) -> None:
    """In words, and the sum is that of the lines."""
    one = explained[number]
    assert one.attempt.cost_usd == (None if usd is None else Decimal(usd))
    assert said in " | ".join(one.reasons)
    assert one.adds_up


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (13, "adjusted (1.10 x openai/gpt-4.1-mini) from the list price, row "),
        (13, "input 0.0000004 USD x 1.1"),
        (14, "(operator: 100 units: 62 USD an hour / 3000000 tokens an hour)"),
        (15, "(operator: share of our machine)"),
        (16, "flex was used and has no rates; standard rates stand in, so the cost is not exact"),
    ],
)
def test_an_operators_price_can_be_redone(
    explained: dict[int, Explanation], number: int, said: str
) -> None:
    """List price and factor of a deployment, what was bought, and the reason of one's own price."""
    one = explained[number]
    assert said in " | ".join(one.reasons)
    assert one.attempt.cost_usd
    assert one.adds_up


def test_rates_that_stand_in_are_in_the_sum(explained: dict[int, Explanation]) -> None:
    assert explained[16].attempt.unpriced_units == ("service_tier:flex",)
    assert not [one for one in explained[16].reasons if "not in the sum" in one]


def test_a_contract_names_its_list_price(explained: dict[int, Explanation]) -> None:
    """The row it was made of, with its rates; every line is list rate times factor."""
    row = explained[8].attempt
    assert row.list_price_id not in ("", row.price_id)
    assert row.adjusted_by == "contract of June"
    (said,) = [one for one in explained[8].reasons if one.startswith("adjusted")]
    assert "adjusted (contract of June) from the list price" in said
    assert "output 0.000002 USD x 0.875" in said
    assert row.list_price_id in said


def test_a_plain_price_needs_none_of_these_words(explained: dict[int, Explanation]) -> None:
    """A price for every hour and place, in USD, as listed."""
    for number in (5, 10):
        said = explained[number].reasons
        assert not [one for one in said if one.startswith(("hours", "region", "curr", "adjusted"))]
