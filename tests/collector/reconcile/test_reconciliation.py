"""The whole way: an export held against a settled ledger, by the command line."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from tests.collector.settle.scene import call, hex32, load, price, publish, settler

from spanledger_collector.cli.app import execute
from spanledger_collector.query import ChargeRow
from spanledger_collector.reconcile import BillLine, Book, reconcile
from spanledger_collector.store import Store

DAY = date(2026, 11, 2)


def charge(model: str, unit: str, quantity: int, cost: str, provider: str = "acme") -> ChargeRow:
    used = Decimal(quantity)
    return ChargeRow(
        DAY, provider, provider, model, "", unit, used, used, Decimal(cost), 0.0, 0.0, 0
    )


def line(model: str, unit: str, quantity: int | None, cost: str | None) -> BillLine:
    return BillLine(
        DAY, "acme", model, "", unit,
        None if quantity is None else Decimal(quantity), None if cost is None else Decimal(cost),
    )  # fmt: skip


#: A price book that knows no provider and no model.
NOTHING = Book(lambda _provider: "", lambda _provider, _model: None)


def test_usage_and_costs_complete_each_other() -> None:
    """Quantities of the one, amounts of the other, of the same day, model and unit."""
    bill = [line("m1", "input", 100, None), line("m1", "input", None, "30")]
    [row] = reconcile(bill, [charge("m1", "input", 100, "20")], NOTHING).differences
    assert (row.billed_usd, row.ledger_usd, row.difference_usd) == (30, 20, 10)
    assert row.causes == {"price_version": 10}


def test_other_providers_and_days_are_left_out() -> None:
    other = charge("m9", "input", 5, "5", provider="elsewhere")
    found = reconcile([line("m1", "input", 1, "1")], [other], NOTHING)
    assert found.ledger_usd == 0
    assert found.causes == {"not_instrumented": 1}


def test_a_model_that_the_bill_does_not_know() -> None:
    """In the ledger only: counted twice, or somebody else's account."""
    found = reconcile([line("m1", "input", 1, "1")], [charge("m2", "input", 3, "3")], NOTHING)
    assert found.causes == {"duplicate": -3, "not_instrumented": 1}


def test_calls_told_without_usage_are_named_and_counted() -> None:
    """The cell says how many; a model of which nothing was billed is no row."""
    told = [
        charge("m1", "input", 4, "4"),
        replace(charge("m1", "", 0, "0"), unmetered_attempts=3),
        replace(charge("m2", "", 0, "0"), unmetered_attempts=5),
    ]
    [row] = reconcile([line("m1", "input", 7, "7")], told, NOTHING).differences
    assert row.causes == {"unmetered": 3}
    assert row.unmetered_attempts == 3


def test_names_of_cloud_bills_are_found_by_their_words() -> None:
    told = [
        charge("anthropic.claude-sonnet-4-5-20250929-v1:0", "input", 100, "30"),
        charge("amazon.nova-pro-v1:0", "input", 100, "8"),
    ]
    found = reconcile([line("Claude4.5Sonnet", "input", 100, "30")], told, NOTHING)
    assert [row.difference_usd for row in found.differences] == [-8, 0]


def test_quantities_that_nobody_can_value_are_told() -> None:
    found = reconcile([line("m1", "input", 7, None)], [], NOTHING)
    assert [one.quantity for one in found.unvalued] == [7]
    assert found.billed_usd == 0


def test_a_bill_that_does_not_say_what_kind_it_was() -> None:
    """OpenAI counts images; the ledger knows of what quality and size: valued at their rates."""
    told = [
        charge("m1", "images.hd.1024x1024", 2, "0.16"),
        charge("m1", "images.standard.1024x1024", 1, "0.04"),
    ]
    found = reconcile([line("m1", "images", 3, None)], told, NOTHING)
    assert (found.billed_usd, found.ledger_usd) == (Decimal("0.2"), Decimal("0.2"))
    assert not found.causes
    assert not found.unvalued
    [more] = reconcile([line("m1", "images", 6, None)], told, NOTHING).differences
    assert more.causes == {"not_instrumented": Decimal("0.2")}
    exact = [line("m1", "images", 1, None), line("m1", "images.hd.1024x1024", 2, "0.16")]
    assert not reconcile(exact, told, NOTHING).causes


def test_totals_without_units_beside_usage() -> None:
    """The total is compared; usage without cost would count it twice."""
    bill = [line("m1", "", None, "50"), line("m1", "input", 100, None)]
    found = reconcile(bill, [charge("m1", "input", 100, "20")], NOTHING)
    assert found.causes == {"unexplained": 30}


@pytest.fixture
def ledger(store_dsn: str, store: Store) -> str:
    """1000 tokens in and 10 out at one price, and the same answer told twice."""
    with store.connect() as connection:
        publish(connection, [price("m1", input_usd_per_token="0.001", output_usd_per_token="0.01")])
        load(connection, [call(2, 0, (1000, 10), response_id="r1"),
                          call(3, 2, (1000, 10), response_id="r1", scope_name="twin")])  # fmt: skip
    one = settler(store)
    one.settle_traces([("default", hex32(1))])
    one.stop(drain=False)
    return store_dsn


def test_the_command(ledger: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """1200 tokens were billed, at another output rate."""
    bill = tmp_path / "bill.csv"
    bill.write_text(
        "day,provider,model,unit,quantity,cost_usd\n"
        "2026-11-02,acme,m1,input,1200,1.2\n2026-11-02,acme,m1,output,10,0.2\n",
        encoding="utf-8",
    )
    assert execute(["reconcile", str(bill), "--url", ledger, "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert Decimal(report["ledger_usd"]) == Decimal("1.1")
    assert Decimal(report["difference_usd"]) == Decimal("0.3")
    assert {cause: Decimal(amount) for cause, amount in report["causes"].items()} == {
        "not_instrumented": Decimal("0.2"), "price_version": Decimal("0.1"),
    }  # fmt: skip
    assert execute(["reconcile", str(bill), "--url", ledger]) == 0
    shown = capsys.readouterr().out
    assert "+$0.3" in shown
    assert "not_instrumented" in shown


def test_calls_without_usage_are_not_called_uninstrumented(
    store_dsn: str, store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Spans told three calls, one of them with its tokens; the bill has all three."""
    with store.connect() as connection:
        publish(connection, [price("m1", input_usd_per_token="0.001")])
        load(
            connection,
            [
                call(2, 0, (1000, 0)),
                call(3, 0, usage_source="missing"),
                call(4, 0, usage_source="missing"),
            ],
        )
    one = settler(store)
    one.settle_traces([("default", hex32(1))])
    one.stop(drain=False)
    bill = tmp_path / "bill.csv"
    bill.write_text(
        "day,provider,model,unit,quantity,cost_usd\n2026-11-02,acme,m1,input,3000,3\n",
        encoding="utf-8",
    )
    assert execute(["reconcile", str(bill), "--url", store_dsn, "--json"]) == 0
    [row] = json.loads(capsys.readouterr().out)["differences"]
    assert {cause: Decimal(amount) for cause, amount in row["causes"].items()} == {"unmetered": 2}
    assert row["unmetered_attempts"] == 2
    assert execute(["reconcile", str(bill), "--url", store_dsn]) == 0
    assert "unmetered +$2 (2 calls)" in capsys.readouterr().out


def test_a_file_given_twice(
    ledger: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bill = tmp_path / "bill.csv"
    bill.write_text("day,provider,model,cost_usd\n2026-11-02,acme,m1,1\n", encoding="utf-8")
    copy = tmp_path / "copy.csv"
    copy.write_bytes(bill.read_bytes())
    assert execute(["reconcile", str(bill), str(bill), "--url", ledger]) == 2
    assert "given twice" in capsys.readouterr().err
    assert execute(["reconcile", str(bill), str(copy), "--url", ledger]) == 2
    assert "the same twice" in capsys.readouterr().err


def test_a_bill_about_nothing(
    ledger: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bill = tmp_path / "bill.csv"
    bill.write_text("day,provider,model,cost_usd\n", encoding="utf-8")
    assert execute(["reconcile", str(bill), "--url", ledger]) == 2
    assert "grouped by model" in capsys.readouterr().err


def test_what_nobody_can_value_is_named(
    ledger: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Which model, how many of what, and what to do about it."""
    bill = tmp_path / "bill.csv"
    bill.write_text(
        "day,provider,model,unit,quantity\n2026-11-02,acme,m1,input,1000\n"
        "2026-11-02,acme,painter,images,7\n",
        encoding="utf-8",
    )
    assert execute(["reconcile", str(bill), "--url", ledger]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "1 line of the bill left out" in shown
    assert "give the costs export of these days too, or a price of the unit" in shown
    assert "2026-11-02 painter images 7" in shown.replace("│", "").replace("  ", " ")
    assert execute(["reconcile", str(bill), "--url", ledger, "--json"]) == 0
    [left_out] = json.loads(capsys.readouterr().out)["unvalued"]
    assert (left_out["model"], left_out["unit"]) == ("painter", "images")


def test_what_is_not_compared_is_shown(
    ledger: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bill = tmp_path / "bill.csv"
    bill.write_text(
        "ChargePeriodStart,ServiceName,ChargeCategory,SkuMeter,ConsumedQuantity,ConsumedUnit,"
        "BilledCost\n2026-11-02,Amazon Bedrock,Usage,NovaPro-output,10,Tokens,0.2\n"
        "2026-11-02,Amazon Bedrock,Credit,NovaPro-output,,,-0.7\n",
        encoding="utf-8",
    )
    assert execute(["reconcile", str(bill), "--url", ledger, "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert Decimal(report["billed_usd"]) == Decimal("0.2")
    [remark] = report["remarks"]
    assert (remark["said"], remark["reason"]) == ("NovaPro", "Credit, no usage")
    assert Decimal(remark["cost_usd"]) == Decimal("-0.7")
    assert execute(["reconcile", str(bill), "--url", ledger]) == 0
    assert "Credit, no usage" in capsys.readouterr().out
