"""The console script in processes of its own: with and without the collector's packages."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

#: Runs the entry point as if the extra `collector` were not installed.
WITHOUT_COLLECTOR = """
import sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in BLOCKED:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

BLOCKED = {"typer", "click", "rich", "orjson", "pyarrow", "clickhouse_connect", "starlette",
           "uvicorn", "pydantic", "pydantic_settings", "grpc", "sqlglot", "chdb", "yaml"}
sys.meta_path.insert(0, Blocker())
from spanledger_collector.cli import main
main(sys.argv[1:])
"""


def cli(
    *arguments: str, code: str = "", environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    start = ["-c", code] if code else ["-m", "spanledger_collector.cli"]
    return subprocess.run(
        [sys.executable, *start, *arguments],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env={**os.environ, **(environment or {})},
    )


@pytest.mark.parametrize("line", [["up"], ["trace", "x"], [], ["--help"], ["run", "--help"]])
def test_without_the_collector_the_way_to_it_is_told(line: list[str]) -> None:
    """One clear message with the pip line, exit code 2."""
    done = cli(*line, code=WITHOUT_COLLECTOR)
    assert done.returncode == 2
    assert "pip install 'spanledger[collector]'" in done.stderr
    assert "is not installed" in done.stderr
    assert "Traceback" not in done.stderr


def test_run_works_with_the_sdk_alone() -> None:
    """The program runs instrumented, its exit code is kept."""
    program = "import os, sys; print(os.environ['SPANLEDGER_AUTO']); sys.exit(7)"
    done = cli("run", "--", sys.executable, "-c", program, code=WITHOUT_COLLECTOR)
    assert done.returncode == 7, done.stderr
    assert done.stdout == "1\n"


@pytest.mark.parametrize(
    ("line", "code", "told"),
    [
        (["run"], 2, "no command"),
        (["run", "--"], 2, "no command"),
        (["run", "--", "no-such-program-anywhere"], 127, "command not found"),
        (["run", "--", "/"], 126, "cannot execute"),
    ],
)
def test_run_fails_as_a_shell_does(line: list[str], code: int, told: str) -> None:
    """2 without a command, 127 for an unknown one, 126 for one that cannot be executed."""
    done = cli(*line)
    assert done.returncode == code
    assert told in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_run_explains_itself(flag: str) -> None:
    """Help of ``run`` is not taken for a program."""
    done = cli("run", flag)
    assert done.returncode == 0
    assert "Example: spanledger run -- python app.py" in done.stdout


def test_no_verb_shows_the_verbs() -> None:
    """Alone, the command lists what it can do."""
    done = cli(environment={"COLUMNS": "100"})
    assert done.returncode == 2
    assert "trace" in done.stdout + done.stderr


def test_a_program_that_guards_no_sql_loads_no_parser_of_it() -> None:
    """It takes a quarter of the time that the others need to start."""
    done = cli(code="import sys, spanledger_collector.cli.app; sys.exit('sqlglot' in sys.modules)")
    assert done.returncode == 0, done.stderr


def test_a_defect_is_not_taken_for_a_missing_package() -> None:
    """A module of ours that is missing is a defect, shown as one."""
    ours = 'BLOCKED = {"spanledger_collector.query"}'
    broken = re.sub(r"BLOCKED = \{.*?\}", ours, WITHOUT_COLLECTOR, flags=re.DOTALL).replace(
        'name.partition(".")[0] in', "name in"
    )
    done = cli("--help", code=broken)
    assert done.returncode == 1
    assert "No module named 'spanledger_collector.query'" in done.stderr
    assert "pip install" not in done.stderr


@pytest.mark.slow
def test_up_stops_on_ctrl_c(tmp_path: Path) -> None:
    """A collector that is interrupted stores what it has and exits with 0."""
    process = subprocess.Popen(
        [sys.executable, "-m", "spanledger_collector.cli", "up", "--json", "--data-dir", "data",
         "--grpc-port", "0", "--http-port", "0", "--api-port", "0"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path,
    )  # fmt: skip
    assert process.stdout is not None
    assert '"api_port":' in process.stdout.readline()
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=300)
    assert process.returncode == 0, told
    assert "Traceback" not in told
