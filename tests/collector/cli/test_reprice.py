"""``spanledger reprice`` over the filled ledger: tables, JSON, and what is refused."""

import json

import pytest
from tests.support.filled_ledger import FIRST_CALL_USD

from spanledger_collector.cli.app import execute


def _printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert execute(["reprice", *arguments]) == 0
    return capsys.readouterr().out


def test_what_was_billed_stands_beside_what_it_costs_now(
    filled_dsn: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing was corrected: the same figures, and how much of them is known."""
    shown = json.loads(_printed(capsys, "--url", filled_dsn, "--by", "model", "--json"))
    known = next(row for row in shown if row["key"] == "acme/m1")
    assert known["billed_usd"] == known["repriced_usd"]
    assert known["repriced_unknown_attempts"] > 0
    table = _printed(capsys, "--url", filled_dsn)
    assert "≥$" in table
    assert "%" in table


def test_another_share_of_cached_input(filled_dsn: str, capsys: pytest.CaptureFixture[str]) -> None:
    """1,100 tokens of input at a tenth of the price: all else as it was."""
    arguments = ("--url", filled_dsn, "--by", "agent", "--cache-share", "1", "--json")
    shown = {row["key"]: row for row in json.loads(_printed(capsys, *arguments))}
    assert float(shown["planner"]["repriced_usd"]) < float(FIRST_CALL_USD)


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("--by", "hour"), 2, "none of total, day, month"),
        (("--model", "gpt-99-omega", "--provider", "acme"), 1, "no price of acme/gpt-99-omega"),
        (("--model", "gpt-99-omega"), 1, "both a provider and a model"),
    ],
)
def test_what_cannot_be_asked_is_told(
    filled_dsn: str,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    code: int,
    told: str,
) -> None:
    """What happened, to which input, and what to do."""
    assert execute(["reprice", "--url", filled_dsn, *arguments]) == code
    assert told in " ".join(capsys.readouterr().err.split())
