"""docs/unit-economics.md is what the verbs print; --json is what the Python API gives."""

from __future__ import annotations

import json
import re
import shlex
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from spanledger_collector.cli.app import execute

PAGE = Path(__file__).parents[3] / "docs" / "unit-economics.md"
BLOCKS = [
    block
    for block in re.findall(r"```console\n(.*?)```", PAGE.read_text(), re.DOTALL)
    if block.count("\n") > 1
]


def _plain(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.strip("\n").splitlines())


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.partition("\n")[0][2:])
def test_the_page_shows_what_is_printed(
    block: str,
    written_dsn: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "118")
    line, _, shown = block.partition("\n")
    words = shlex.split(line.removeprefix("$ spanledger "))
    assert execute([*words, "--url", written_dsn]) == 0
    assert _plain(capsys.readouterr().out) == _plain(shown)


def _json(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    assert execute([*arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_agent_as_json(written_dsn: str, capsys: pytest.CaptureFixture[str]) -> None:
    shown = _json(capsys, "agent", "writer", "--by", "tenant", "--url", written_dsn)
    assert {group["key"] for group in shown["groups"]} == {"acme", "beta"}
    cost = shown["total"]["cost_per_success"]
    assert float(cost["low"]) < float(cost["value"]) < float(cost["high"])
    assert (cost["n"], cost["level"], cost["method"], cost["reason"]) == (48, 0.95, "fieller", "")


def test_all_agents_by_tenant(written_dsn: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Both agents together; a loss has its sign before the symbol."""
    tenants = {row["key"]: row for row in _json(
        capsys, "agents", "--by", "tenant", "--url", written_dsn)}  # fmt: skip
    (total,) = _json(capsys, "agents", "--by", "total", "--url", written_dsn)
    for name in ("total_cost_usd", "value_usd", "runs", "successes"):
        parts = [Decimal(row[name]) for row in tenants.values() if row[name] is not None]
        assert sum(parts) == Decimal(total[name]), name
    assert execute(["agents", "--by", "tenant", "--url", written_dsn]) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "All agents by tenant" in printed
    assert "Is it worth it?" in printed
    assert "interval holds 0" in printed
    assert "without a value" in printed
    losing = [row for row in tenants.values() if row["margin_usd"] and row["margin_usd"][0] == "-"]
    for row in losing:
        assert f"-${Decimal(row['margin_usd'][1:]).normalize():f}" in printed


def test_runs_show_what_they_earned_and_left(
    written_dsn: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (run, *_) = _json(capsys, "runs", "--agent", "writer", "--url", written_dsn)
    assert execute(["runs", "--agent", "writer", "--limit", "1", "--url", written_dsn]) == 0
    printed = capsys.readouterr().out
    assert "value" in printed
    margin = Decimal(run["inclusive_margin_usd"]).normalize()
    assert f"{'-' if margin < 0 else ''}${abs(margin):f}" in printed


def test_runs_of_unknown_cost_are_told(filled_dsn: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["agent", "planner", "--url", filled_dsn]) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "1 run with a cost not wholly known: in the sums as far as known" in printed
    assert "≥$0.00498000015" in printed


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("agent", "writer", "--by", "colour"), 2, "none of version, tenant, model"),
        (("agents", "--by", "version"), 2, "none of agent, total, day, tenant"),
        (("rework", "--by", "colour"), 2, "none of total, agent, version"),
        (("what-if", "writer", "--model", "acme/m9"), 1, "no price of acme/m9"),
        (("what-if", "writer", "--host", "llama-3.1-8b"), 2, "--host, --gpu and --gpu-rate"),
        (
            ("what-if", "writer", "--gpu", "l4", "--gpu-rate", "0"),
            2,
            "--host, --gpu and --gpu-rate",
        ),
        (
            ("what-if", "writer", "--host", "llama-3.1-8b", "--gpu", "l4", "--gpu-rate", "0"),
            2,
            "--gpu-rate 0 cannot be used: a rate is above zero",
        ),
        (("what-if", "writer", "--tier", "zzz"), 1, "'zzz' is no service tier; there are: batch"),
        (("what-if", "wrter"), 1, "no runs of an agent 'wrter'"),
        (("compare", "writer"), 2, "--version, --model, --tenant or --period"),
        (("compare", "writer", "--version", "1", "1"), 1, "cannot be compared with itself"),
        (("compare", "writer", "--version", "1", "9"), 1, "no runs of version '9'"),
        (("compare", "writer", "--version", "1", "2", "--matters", "0"), 1, "such as 0.1"),
        (("compare", "writer", "--period", "2026-11-01", "x"), 2, "give FROM/UNTIL"),
        (("compare", "writer", "--period", "2026-11-01/soon", "x"), 2, "give a time such as"),
        (("agent", "wrter"), 1, "the agents are: tiny, writer"),
    ],
)
def test_what_cannot_be_asked_is_told(
    written_dsn: str,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    code: int,
    told: str,
) -> None:
    assert execute([*arguments, "--url", written_dsn]) == code
    assert told in " ".join(capsys.readouterr().err.split())
