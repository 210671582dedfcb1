"""docs/export.md: its commands and its Python run, its table of columns is the file's."""

from __future__ import annotations

import json
import os
import pty
import re
import shlex
import subprocess
import sys
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


@pytest.mark.parametrize(
    "words", [["--grain", "attempt"], ["--format", "focus"], ["--format", "parquet"]]
)
def test_standard_output_gets_what_the_file_would(
    words: list[str], capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    """Nothing else goes there, and no file is called ``-``; what is left out is still said."""
    assert execute(["export", "-o", "file", *words]) == 0
    capsysbinary.readouterr()
    assert execute(["export", "-o", "-", *words]) == 0
    told = capsysbinary.readouterr()
    assert told.out == Path("file").read_bytes()
    assert (b"of unknown cost left out" in told.err) == ("focus" in words)
    assert [path.name for path in Path().iterdir()] == ["file"]
    assert execute(["export", "-o", "-", "--json", *words]) == 2
    told = capsysbinary.readouterr()
    assert (told.out, b"both write to standard output" in told.err) == (b"", True)


@pytest.mark.slow
def test_a_pipe_may_be_read_in_part_and_a_terminal_takes_no_parquet() -> None:
    """The program itself: quiet where nobody reads on, a line where bytes would be shown."""
    program = [sys.executable, "-m", "spanledger_collector.cli", "export", "-o", "-"]
    reading, writing = os.pipe()
    os.close(reading)
    ended = subprocess.run(program, stdout=writing, stderr=subprocess.PIPE, check=False)
    os.close(writing)
    assert (ended.returncode, ended.stderr) == (1, b"")
    master, terminal = pty.openpty()
    line = [*program, "--format", "parquet"]
    ended = subprocess.run(line, stdout=terminal, stderr=subprocess.PIPE, check=False)
    os.close(terminal)
    os.close(master)
    assert ended.returncode == 2
    assert b"no text for a terminal" in ended.stderr


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
