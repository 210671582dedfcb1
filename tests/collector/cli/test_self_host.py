"""``spanledger self-host``."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from spanledger_collector.cli import main
from spanledger_collector.cli.app import app

ASKED = [
    "self-host", "meta-llama/Llama-3.1-70B-Instruct", "--gpu", "NVIDIA H100 80GB HBM3",
    "--usd-per-gpu-hour", "2.95",
]  # fmt: skip


def test_the_frontier_as_a_table() -> None:
    """The fastest first, each cheaper than the one before; what is assumed is said."""
    result = CliRunner(env={"COLUMNS": "200"}).invoke(app, [*ASKED, "--api-usd-per-call", "0.004"])
    assert result.exit_code == 0, result.output
    assert "llama-3.1-70b on h100-sxm5-80gb" in result.output
    assert "can it" in result.output
    assert "perhaps" in result.output
    assert "Whether a smaller format still answers well is not known" in result.output


def test_the_frontier_as_json() -> None:
    """Every point with its interval; bf16 is beaten everywhere."""
    result = CliRunner().invoke(app, [*ASKED, "--json"])
    told = json.loads(result.output)
    prices = [point["usd_per_million"]["value"] for point in told["points"]]
    assert prices == sorted(prices, reverse=True)
    assert {point["weight_format"] for point in told["points"]} <= {"fp8", "awq"}
    assert told["break_even"] == []


@pytest.mark.parametrize(
    ("change", "message"),
    [({1: "gpt-4o"}, "nobody knows the layers"), ({3: "Voodoo 2"}, "Voodoo 2"), ({1: "x"}, "'x'")],
)
def test_what_is_not_known_is_refused(
    change: dict[int, str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """One clear line."""
    words = [change.get(place, word) for place, word in enumerate(ASKED)]
    with pytest.raises(SystemExit):
        main(words)
    assert message in capsys.readouterr().err
