"""An operator's file: discounts, regions, deployments, bought throughput, other currencies."""

from __future__ import annotations

from datetime import datetime, timezone
from decimal import Decimal
from pathlib import Path

import pytest
from tests.collector.price.oracle import Usage, price, rows_at
from tests.collector.settle import scene

from spanledger_collector.errors import ConfigurationError
from spanledger_collector.price import PriceBook, PriceRow, publish
from spanledger_collector.store import Store

_MTOK = Decimal(1_000_000)
_NOW = datetime(2026, 11, 24, 12, tzinfo=timezone.utc)
_BEFORE = datetime(2026, 5, 31, tzinfo=timezone.utc)

_CONTRACT = """
adjustments:
  - provider: openai
    models: ["gpt-5*"]
    tiers: ["", batch]
    discount_percent: "12.5"
    valid_from: 2026-06-01
    known_from: 2026-06-10
    why: contract of 2026-06-10
  - provider: openai
    models: [gpt-4o]
    region: "*"
    factor: "1.10"
    valid_from: 2026-06-01
    why: data zone
provisioned:
  - provider: azure
    model: our-ptu
    usd_per_hour: "62"
    tokens_per_hour: 3000000
    valid_from: 2026-06-01
    why: 100 units for a month
prices:
  - provider: mistral
    model: our-tune
    currency: EUR
    per_million_tokens: { input: "2", output: "6" }
    units: { web_searches: { amount: "10", per: 1000 } }
    valid_from: 2026-06-01
    why: private model, billed in EUR
fx:
  - { currency: EUR, usd: "1.10", valid_from: 2026-11-01 }
  - { currency: EUR, usd: "1.08", valid_from: 2026-11-02 }
  - { currency: EUR, usd: "1.09", valid_from: 2026-11-02, known_from: 2026-11-20 }
aliases:
  - { provider: azure, id: prod-eu, to_provider: openai, model: gpt-4o, factor: "1.1" }
  - provider: aws
    id: arn:aws:bedrock:us-east-1:1:application-inference-profile/x
    model: amazon.nova-pro
"""


@pytest.fixture(scope="module", name="contract")
def _contract(tmp_path_factory: pytest.TempPathFactory) -> PriceBook:
    return PriceBook.shipped(_file(tmp_path_factory.mktemp("contract"), _CONTRACT))


def _file(folder: Path, text: str) -> Path:
    path = folder / "prices.yaml"
    path.write_text(text)
    return path


def _rows(book: PriceBook, provider: str, model: str) -> list[PriceRow]:
    match = book.resolve(provider, model)
    return [r for r in book.rows() if (r.provider, r.model) == (match.provider, match.model)]


@pytest.mark.parametrize(
    ("at", "known_at", "tier", "usd"),
    [
        (_NOW, _NOW, "", "0.21875"),
        (_NOW, _NOW, "batch", "0.109375"),
        (_NOW, _NOW, "flex", "0.125"),
        (_BEFORE, _NOW, "", "0.25"),
        (_NOW, datetime(2026, 6, 9, tzinfo=timezone.utc), "", "0.25"),
    ],
)
def test_a_discount_holds_in_its_time_and_tiers(
    contract: PriceBook, at: datetime, known_at: datetime, tier: str, usd: str
) -> None:
    """Exact, on the rate of every token, for whoever knew of the contract."""
    rows = _rows(contract, "openai", "gpt-5-mini")
    (row,) = rows_at(rows, tier, at, 1, known_at)
    assert row.rates.input_usd_per_token == Decimal(usd) / _MTOK


def test_a_region_is_a_price_beside_the_others(contract: PriceBook) -> None:
    rows = _rows(contract, "openai", "gpt-4o")
    for region, usd in (("westeurope", "2.75"), ("", "2.5"), ("global", "2.5")):
        (row,) = rows_at(rows, "", _NOW, 1, _NOW, region=region)
        assert row.rates.input_usd_per_token == Decimal(usd) / _MTOK, region


def test_a_deployment_may_have_a_price_of_its_own(contract: PriceBook) -> None:
    match = contract.resolve("azure", "prod-eu")
    assert (match.provider, match.model, match.method) == ("azure", "prod-eu", "operator")
    (row,) = rows_at(_rows(contract, "azure", "prod-eu"), "", _NOW, 1, _NOW)
    assert row.rates.output_usd_per_token == Decimal(11) / _MTOK
    profile = "arn:aws:bedrock:us-east-1:1:application-inference-profile/x"
    assert contract.resolve("aws.bedrock", profile).model == "amazon.nova-pro"


def test_bought_throughput_costs_by_the_token_at_full_use(contract: PriceBook) -> None:
    """62 USD an hour for 3 million tokens: no finite decimal, so 24 decimals a token."""
    usage = Usage(input_uncached=1_000_000, output=2_000_000)
    bill = price(_rows(contract, "azure", "our-ptu"), "", _NOW, usage, _NOW)
    assert bill.cost is not None
    assert abs(bill.cost - 62) < Decimal("1e-15")


def test_another_currency_is_paid_at_the_rate_of_the_day(contract: PriceBook, store: Store) -> None:
    """Both amounts are kept; a day without a rate leaves the USD unknown, with the reason."""
    calls = [
        (1, "2026-11-01 12:00:00", "2026-11-01 12:01:00"),
        (2, "2026-11-02 12:00:00", "2026-11-02 12:01:00"),
        (3, "2026-11-02 12:00:00", "2026-11-20 00:00:00"),  # the corrected rate was known
        (4, "2026-11-08 12:00:00", "2026-11-08 12:01:00"),  # six days on: still the last one
        (5, "2026-11-12 12:00:00", "2026-11-12 12:01:00"),  # ten days on: none
    ]
    spans = [
        scene.call(
            number, 0, (1000, 100), provider="mistral_ai", request_model="our-tune",
            started_at=at, ended_at=at, received_at=known, units={"web_searches": 1},
        )
        for number, at, known in calls
    ]  # fmt: skip
    with store.connect() as connection:
        publish(connection, contract)
        assert publish(connection, contract) == 0
        scene.load(connection, spans)
        settler = scene.settler(store, resolve=contract.resolve, book_id=contract.book_id)
        settler.settle_traces([("default", scene.hex32(1))])
        settler.stop(drain=False)
        rows = {int(str(row["span_id"]), 16): row for row in scene.attempts(connection)}
        lines = connection.rows(
            "SELECT span_id, sum(cost_usd) AS usd FROM charges GROUP BY span_id ORDER BY span_id"
        )
    euros = Decimal("0.0126")
    rates = {1: "1.10", 2: "1.08", 3: "1.09", 4: "1.08"}
    for number, rate in rates.items():
        row = rows[number]
        assert (row["currency"], row["currency_cost"]) == ("EUR", euros)
        assert (row["usd_per_currency"], row["cost_usd"]) == (Decimal(rate), euros * Decimal(rate))
        assert row["price_status"] == "priced"
    assert [line["usd"] for line in lines[:4]] == [rows[n]["cost_usd"] for n in rates]
    unknown = rows[5]
    assert (unknown["price_status"], unknown["unpriced_units"]) == ("unpriced", ["currency:EUR"])
    assert (unknown["cost_usd"], unknown["currency_cost"]) == (None, euros)


def test_a_rate_edited_in_place_is_refused(store: Store, tmp_path: Path) -> None:
    """What was paid could not be explained any more."""
    text = 'fx: [{currency: EUR, usd: "%s", valid_from: 2026-11-01}]'
    with store.connect() as connection:
        publish(connection, PriceBook.shipped(_file(tmp_path, text % "1.1")))
        with pytest.raises(ConfigurationError, match=r"rate of EUR for 2026-11-01 was edited"):
            publish(connection, PriceBook.shipped(_file(tmp_path, text % "1.2")))


_ADJUST = "adjustments: [{provider: openai, valid_from: 2026-01-01, why: x, "
_ENTRY = "prices: [{provider: p, model: m, valid_from: 2026-01-01, why: x, "
_FX = "fx: [{currency: EUR, valid_from: 2026-01-01, "


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (_ADJUST + "models: [gpt-5]}]", r"adjustments, entry 1: .*either factor or discount"),
        (_ADJUST + 'models: [gtp-5], factor: "2"}]', r"gtp-5 .* concerns no price"),
        (_ADJUST + 'discount_percent: "101"}]', "less than or equal to 100"),
        (_ADJUST + 'factor: "0.3333333333333333333"}]', "more than 24 decimals"),
        ('adjustments: [{valid_from: 2026-01-01, why: x, factor: "2"}]', "names no provider"),
        (
            _ENTRY + 'currency: EUR, usd_per_million_tokens: {input: "1"}}]',
            "amounts in EUR stand under per_million_tokens",
        ),
        ('aliases: [{provider: azure, id: d, model: nope, factor: "2"}]', "does not have"),
        (_FX + 'usd: "0"}]', "cannot be 0 USD"),
        (_FX + 'usd: "1", valid_to: 2025-01-01}]', "ends before it starts"),
        (_FX + 'usd: "1.0000000000001"}]', "more than 12 decimals"),
        (_FX + 'usd: "1"}, {currency: EUR, valid_from: 2026-01-01, usd: "2"}]', "two rates"),
        (
            'provisioned: [{provider: p, model: m, usd_per_hour: "1", tokens_per_hour: 0}]',
            "entry 1",
        ),
    ],
)
def test_a_mistake_is_told_with_its_entry(tmp_path: Path, text: str, message: str) -> None:
    """The file and the entry, what is wrong and what to do; nothing is half applied."""
    with pytest.raises(ConfigurationError, match=message):
        PriceBook.shipped(_file(tmp_path, text))
