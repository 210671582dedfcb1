"""docs/export.md: its commands and its Python run, its table of columns is the file's."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from tests.support.served_ledger import Served

from spanledger_collector.cli.app import execute

PAGE = (Path(__file__).parents[3] / "docs" / "export.md").read_text()
COMMANDS = re.findall(r"^\$ spanledger (.*)$", PAGE, re.MULTILINE)


@pytest.fixture(autouse=True)
def _somewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, api: Served) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SPANLEDGER_URL", api.address)


def test_every_command_writes_its_file(capsys: pytest.CaptureFixture[str]) -> None:
    """Through a collector's API."""
    assert len(COMMANDS) == 4
    for command in COMMANDS:
        words = shlex.split(command)
        assert execute(words) == 0
        out = capsys.readouterr().out
        assert Path(words[-1]).stat().st_size > 100
        if "--json" in words:
            told = json.loads(out)
            assert told["rows"] == pq.read_metadata(words[-1]).num_rows > 0
            assert told["unknown_cost_attempts"] == 4
        else:
            assert f"rows in {words[-1]}" in out
            assert ("4 attempts of unknown cost left out" in out) == ("focus" in words)


def test_the_python_runs(api: Served, capsys: pytest.CaptureFixture[str]) -> None:
    [block] = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    variables: dict[str, Any] = {}
    text = block.replace("spanledger://127.0.0.1:4319", api.address)
    exec(compile(text, "export.md", "exec"), variables)  # noqa: S102 - our own documentation
    assert pq.read_metadata("days.parquet").num_rows == variables["written"].rows
    assert len(capsys.readouterr().out.splitlines()) == 2


def test_the_table_describes_every_column_of_focus() -> None:
    assert execute(["export", "--format", "focus", "-o", "focus.parquet"]) == 0
    table = PAGE[PAGE.index("| column |") :]
    described = [
        name
        for line in table.splitlines()[2:]
        for name in re.findall(r"`(\w+)`", line.split(" | ")[0])
    ]
    assert sorted(described) == sorted(pq.read_schema("focus.parquet").names)
