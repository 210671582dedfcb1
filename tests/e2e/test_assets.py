"""An asset that is booked by the command line is charged to the runs that come then."""

from __future__ import annotations

import json
import time
from decimal import Decimal

import pytest
from tests.support.running import RunningCollector

from spanledger_collector.cli.app import execute


@pytest.mark.slow
def test_an_asset_is_booked_planned_and_written_off(
    collector: RunningCollector,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "250")
    url = f"spanledger://127.0.0.1:{collector.api_port}"
    plan = ["--expected-executions", "2000", "--low", "1500", "--high", "2500"]
    plan += ["--agent", "support", "--record-id", "invoice-9"]
    for _ in range(2):  # told twice, counted once
        assert execute(["assets", "add", "ft", "--cost", "1200", *plan, "--url", url]) == 0
    assert execute(["assets", "transfer", "ft", "ft-2", "200", "--url", url]) == 0
    assert execute(["assets", "add", "ft", "--url", url]) == 2
    assert execute(["assets", "add", "ft", *plan[:2], "--low", "2001", "--url", url]) == 1
    assert "give low, expected and high in this order" in capsys.readouterr().err
    assert execute(["assets", "add", "ft", "--cost", "much", "--url", url]) == 1
    assert "asset_cost of 'ft' was not stored: amount" in capsys.readouterr().err
    deadline = time.monotonic() + 60
    found: dict[str, Decimal] = {}
    while found != {"ft": Decimal(1000), "ft-2": Decimal(200)} and time.monotonic() < deadline:
        assert execute(["assets", "--url", url, "--json"]) == 0
        rows = json.loads(capsys.readouterr().out)
        found = {
            row["asset_id"]: Decimal(row["net_book_value_usd"])
            for row in rows
            if row["asset_id"].startswith("ft")
        }
    assert found == {"ft": Decimal(1000), "ft-2": Decimal(200)}
    assert execute(["assets", "--url", url]) == 0
    table = capsys.readouterr().out
    assert "$0.5" in table
    assert "$0.4 to $0.666667" in table
    assert "1500 to 2500" in table
    assert execute(["assets", "--shares", "--url", url]) == 0
    assert "No run carries a share" in capsys.readouterr().out
    unused = ["--until", "2149-01-01"], "was not used for a whole UTC day under a plan"
    for more, why in (([], "has no last day"), unused):
        assert execute(["assets", "estimate", "ft", *more, "--url", url]) == 1
        assert why in capsys.readouterr().err
    assert execute(["assets", "transfer", "ft", "ft-2", "1000.01", "--url", url]) == 1
    assert execute(["assets", "write-off", "ft-2", "--amount", "201", "--url", url]) == 1
    said = capsys.readouterr().err
    assert "1000.01 USD of asset 'ft' is more than the 1000 USD that are left" in said
    assert "201 USD of asset 'ft-2' is more than the 200 USD that are left" in said
    named = {"kind": "asset_write_off", "asset": "ft-2", "amount": "150.5"}
    asked = [named | {"record_id": f"loss-{number}"} for number in (1, 2)]
    outcome = {"kind": "outcome", "run_id": "of-the-books", "outcome": "success", "record_id": "o"}
    with collector.ledger() as ledger:
        told = ledger.add_records([outcome, *asked])
    assert told.record_ids == ["o", "loss-1"]
    [refused] = told.rejected
    assert refused.index == 2
    assert refused.reason.startswith("150.5 USD of asset 'ft-2' is more than the 49.5 USD that are")
    assert execute(["assets", "write-off", "ft-2", "--url", url, "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["record_ids"]) == 1
    assert execute(["assets", "transfer", "ft", "ft-3", "--url", url, "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["record_ids"]) == 1


@pytest.mark.slow
def test_what_is_booked_with_an_error_or_again_counts_once(
    collector: RunningCollector, capsys: pytest.CaptureFixture[str]
) -> None:
    """A cost is stored with its plan or not at all; its name is one, alone and beside a plan.

    Also where an older version gave it another.
    """
    url = ["--url", collector.address]
    # For an agent that no test has: the ledger is that of all tests of the session.
    plan = ["--agent", "of-the-books", "--low", "9", "--high", "20", "--expected-executions"]
    add = ["assets", "add"]
    assert execute([*add, "once-1", "--cost", "10", *plan, "5", *url]) == 1
    said = capsys.readouterr().err
    assert "asset_plan of 'once-1' was not stored, nor what was told with it: give low" in said
    assert execute([*add, "once-1", "--cost", "10", *plan, "15", *url]) == 0
    named = ["--record-id", "invoice-1"]
    assert execute([*add, "once-2", "--cost", "10", *plan, "15", *named, *url]) == 0
    assert execute([*add, "once-2", "--cost", "10", *named, *url]) == 0
    assert execute([*add, "once-2", *plan, "15", *named, *url]) == 0
    older = {"kind": "asset_cost", "asset": "once-3", "amount": "10"}
    with collector.ledger() as ledger:
        ledger.add_records([{**older, "record_id": "invoice-1 asset_cost"}])
    collector.wait_for("SELECT count() FROM asset_entries WHERE asset_id = 'once-3'", 1)
    capsys.readouterr()
    assert execute([*add, "once-3", "--cost", "10", *named, *plan, "15", "--json", *url]) == 0
    ids = json.loads(capsys.readouterr().out)["record_ids"]
    assert ids == ["invoice-1 asset_cost", "invoice-1"]

    # A credit with a plan: what only the books know to be wrong is told with what was stored.
    credit = [*add, "once-3", "--cost", "-11", *plan, "15", *url]
    assert execute(credit) == 1
    said = capsys.readouterr().err
    assert "asset_cost of 'once-3' was not stored: 11 USD of asset 'once-3' is more than" in said
    assert "not to be told again: asset_plan of 'once-3'" in said
    collector.wait_for("SELECT count() FROM asset_entries FINAL WHERE asset_id = 'once-3'", 4)
    with collector.ledger() as ledger:
        capital = {row.asset_id: row.capital_usd for row in ledger.assets()}
    assert {name: capital[name] for name in ("once-1", "once-2", "once-3")} == {
        "once-1": Decimal(10), "once-2": Decimal(10), "once-3": Decimal(10)
    }  # fmt: skip
