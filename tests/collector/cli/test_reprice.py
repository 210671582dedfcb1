"""``spanledger reprice`` over the filled ledger: tables, JSON, and what is refused."""

import json
import re
from pathlib import Path

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


def test_the_view_is_asked_in_sql(filled_dsn: str, capsys: pytest.CaptureFixture[str]) -> None:
    """`spanledger sql` over the view gives the digits of the verb."""
    arguments = ("--url", filled_dsn, "--by", "agent", "--cache-share", "1", "--json")
    verb = {row["key"]: row["repriced_usd"] for row in json.loads(_printed(capsys, *arguments))}
    statement = (
        "SELECT agent_name, sum(cost_usd) AS usd FROM cost_as_if(of_model = '', set_provider = '', "
        "set_model = '', set_tier = '', set_region = '', set_cache_read_ppm = 1000000, "
        "as_known_at = '2149-01-01 00:00:00', as_valid_at = '1970-01-01 00:00:00') "
        "WHERE workspace = 'default' GROUP BY agent_name"
    )
    assert execute(["sql", "--url", filled_dsn, "--json", statement]) == 0
    view = {row["agent_name"]: row["usd"] for row in json.loads(capsys.readouterr().out)}
    assert view == verb


def test_the_statement_of_the_docs_runs(
    filled_dsn: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """As it is printed; nothing here has a price of that model, so it is unknown."""
    page = (Path(__file__).parents[3] / "docs" / "prices.md").read_text(encoding="utf-8")
    (statement,) = re.findall(r"```sql\n(.*?)```", page, re.DOTALL)
    assert execute(["sql", "--url", filled_dsn, "--json", statement]) == 0
    rows = {row["agent_name"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["planner"]["billed"] is not None
    assert rows["planner"]["unknown"] > 0
    assert rows["planner"]["difference"] in (None, "0.000000000000")


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("--by", "hour"), 2, "none of total, day, month"),
        (("--model", "gpt-99-omega", "--provider", "acme"), 1, "no price of acme/gpt-99-omega"),
        (("--model", "gpt-99-omega"), 1, "both a provider and a model"),
        (("--tier", "batsh"), 1, "no price in a service tier 'batsh'; there are: standard"),
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
