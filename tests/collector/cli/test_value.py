"""``spanledger value``: a file is checked, and a ledger's rules are listed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from spanledger_collector.cli.app import execute
from spanledger_collector.store import Store
from spanledger_collector.value import publish, read_rules

RULES = """
value_rules:
  - agent: "support [bold]"
    per: success
    amount: "4.50"
    currency: EUR
    valid_from: 2026-01-01
    decay: { grace_seconds: 30, half_life_seconds: 120, zero_after_seconds: 3600 }
    why: price list
"""
SHOWN = (
    "support [bold]",
    "4.5 EUR",
    "2026-01-01",
    "half every 120 s after 30 s, nothing from 3600 s",
    "price list",
)


@pytest.fixture(name="file")
def _file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("COLUMNS", "240")
    path = tmp_path / "value.yaml"
    path.write_text(RULES)
    return path


def test_a_file_is_shown_as_it_is_understood(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert execute(["value", "check", str(file)]) == 0
    shown = capsys.readouterr().out
    assert [part for part in SHOWN if part not in shown] == []
    assert execute(["value", "check", str(file), "--json"]) == 0
    (rule,) = json.loads(capsys.readouterr().out)
    assert (rule["amount"], rule["decay"]["half_life_seconds"]) == ("4.50", 120.0)


def test_a_wrong_file_is_refused(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(RULES.replace('"4.50"', "4.50"))
    assert execute(["value", "check", str(file)]) == 2
    assert "in quotes" in capsys.readouterr().err


def test_the_rules_of_a_ledger_are_listed(
    file: Path, store: Store, store_dsn: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert execute(["value", "list", "--url", store_dsn]) == 0
    assert "support" not in capsys.readouterr().out
    with store.connect() as connection:
        publish(connection, read_rules(file))
    assert execute(["value", "list", "--url", store_dsn]) == 0
    shown = capsys.readouterr().out
    assert [part for part in SHOWN if part not in shown] == []
    assert execute(["value", "list", "--url", store_dsn, "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["per"], row["amount"]) == ("success", "4.500000000000")
