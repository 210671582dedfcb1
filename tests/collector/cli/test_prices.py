"""``spanledger prices``: the book on the command line, without a ledger."""

import json
from pathlib import Path

import pytest

from spanledger_collector.cli.app import execute


def _shown(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, object]:
    assert execute(["prices", "show", *arguments, "--json"]) == 0
    return dict(json.loads(capsys.readouterr().out))


def test_a_model_by_a_dated_id(capsys: pytest.CaptureFixture[str]) -> None:
    """Exact rates as text, with the window and the source."""
    shown = _shown(capsys, "claude-haiku-4-5-20251001", "--provider", "anthropic")
    rows = shown["rows"]
    assert isinstance(rows, list)
    assert (shown["model"], rows[0]["service_tier"]) == ("claude-haiku-4-5", "")
    assert rows[0]["rates"]["input_usd_per_token"] == "0.000001"
    assert rows[0]["source_url"].startswith("https://")


def test_the_price_of_another_day(capsys: pytest.CaptureFixture[str]) -> None:
    """Prices are asked by date."""
    arguments = ("gpt-5.6-luna", "--provider", "openai", "--at")
    before, after = (
        _shown(capsys, *arguments, day)["rows"] for day in ("2026-07-29", "2026-07-30")
    )
    assert isinstance(before, list)
    assert isinstance(after, list)
    assert before[0]["rates"]["input_usd_per_token"] == "0.000001"
    assert after[0]["rates"]["input_usd_per_token"] == "0.0000002"


def test_an_operators_own_price(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A prices file can be tried before the collector is started with it."""
    path = tmp_path / "prices.yaml"
    path.write_text(
        "prices: [{provider: vllm, model: llama, valid_from: 2026-01-01, why: our machines,"
        ' usd_per_million_tokens: {input: "0.05", output: "0.1"}}]'
    )
    shown = _shown(capsys, "llama", "--provider", "vllm", "--prices-file", str(path))
    assert shown["method"] == "operator"


def test_people_read_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    """Per million tokens, as providers publish them."""
    assert execute(["prices", "show", "gpt-4.1-mini"]) == 0
    printed = capsys.readouterr().out
    assert "openai/gpt-4.1-mini" in printed
    assert "1.6" in printed


def test_an_unknown_model_says_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    """Not found is an error with a way out."""
    assert execute(["prices", "show", "my-deployment", "--provider", "azure"]) == 1
    message = " ".join(capsys.readouterr().err.split())
    assert "no model 'my-deployment'" in message
    assert "--prices-file" in message


def test_the_models_of_a_provider_are_listed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By provider and a part of the name; nothing found is an error with a way out."""
    monkeypatch.setenv("COLUMNS", "160")
    assert execute(["prices", "list", "--provider", "anthropic", "--like", "HAIKU", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert {row["provider"] for row in rows} == {"anthropic"}
    assert "claude-haiku-4-5" in {row["model"] for row in rows}
    assert execute(["prices", "list", "--provider", "deepseek", "--like", "v4-pro"]) == 0
    assert "mon 01:00-04:00" in capsys.readouterr().out
    assert execute(["prices", "list", "--like", "no-such-model"]) == 1
    assert "prices list" in capsys.readouterr().err


def test_a_file_is_checked_before_it_is_used(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """What it adds, or what is wrong with it and in which entry."""
    path = tmp_path / "prices.yaml"
    path.write_text(
        'adjustments: [{provider: groq, discount_percent: "5", valid_from: 2026-01-01, why: x}]\n'
        'fx: [{currency: EUR, usd: "1.1", valid_from: 2026-11-02}]\n'
    )
    assert execute(["prices", "check", str(path)]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "can be used" in said
    assert "0 aliases, 1 rate of another currency" in said
    path.write_text("fx: [{currency: EUR, usd: 1.1, valid_from: 2026-11-02}]")
    assert execute(["prices", "check", str(path)]) == 2
    assert "fx, entry 1, usd" in " ".join(capsys.readouterr().err.split())
