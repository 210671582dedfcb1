"""Records of no run, on the screens that tell how complete the ledger is."""

from __future__ import annotations

import json
from datetime import datetime, timezone

import pytest
from tests.collector.settle import scene
from tests.collector.settle.told import record_span

from spanledger_collector.cli.app import execute
from spanledger_collector.query import Ledger
from spanledger_collector.store import Store
from spanledger_collector.web.asked import Asked
from spanledger_collector.web.pages import prices
from spanledger_collector.web.parts import Note

WAITS = (
    "2 records of no run (expense 50 USD, revenue 1,070.25 USD) are in no sum; the oldest waits "
    "since 2026-11-02 10:01 UTC."
)


def test_amounts_of_no_run_are_told(
    store_dsn: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")

    def said(*words: str) -> str:
        assert execute([*words, "--url", store_dsn]) == 0
        return capsys.readouterr().out

    def page() -> list[str]:
        with Ledger.connect(store_dsn) as ledger:
            asked = Asked("prices", {}, datetime(2026, 11, 28, tzinfo=timezone.utc))
            notes = [one for one in prices.page(ledger, asked).parts if isinstance(one, Note)]
        return [line for note in notes for line in note.lines]

    for verb in ("models", "verify"):
        assert "of no run" not in said(verb)
    assert said("records", "list", "--unplaced") == "Every record is of a run.\n"
    assert WAITS not in page()
    wrong = [
        record_span(1, trace=11, subject__external_key="tikcet", expense__amount="50"),
        record_span(2, trace=12, revenue__amount="1070.25", record__reason="[red]"),
    ]
    store = Store.open(store_dsn)
    with store.connect() as connection:
        scene.load(connection, wrong)
    settler = scene.settler(store)
    settler.settle_due(everything=True)
    settler.stop(drain=False)
    store.close()
    for verb in ("models", "verify"):
        assert f"{WAITS} `spanledger records list --unplaced` lists them." in said(verb)
    assert WAITS in page()
    listed = said("records", "list", "--unplaced")
    assert "key tikcet" in listed
    assert "nothing" in listed
    assert "1070.25 USD" in listed
    assert "[red]" in listed
    assert WAITS in listed
    rows = json.loads(said("records", "list", "--unplaced", "--json", "--limit", "1"))
    assert [(row["kind"], row["amount"], row["subject"]) for row in rows] == [
        ("expense", "50.000000000000", "tikcet"),
    ]
    assert execute(["records", "list", "--unplaced", "--run", "r", "--url", store_dsn]) == 1
    assert "name none" in capsys.readouterr().err
