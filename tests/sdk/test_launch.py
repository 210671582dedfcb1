"""``spanledger run``: a program that knows nothing of us is measured."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.otlp_receiver import HttpReceiver

from spanledger import _launch

PROGRAM = """
import sys
from opentelemetry import trace
trace.get_tracer("app").start_span("from the program").end()
print("arguments", sys.argv[1:])
"""


def launch(
    *command: str, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Call ``launch`` in a child process, as the command line does."""
    code = "import sys; from spanledger._launch import launch; launch(sys.argv[1:])"
    return subprocess.run(
        [sys.executable, "-c", code, *command],
        capture_output=True,
        text=True,
        env={**os.environ, **(environment or {})},
        timeout=300,
        check=False,
    )


def test_an_unprepared_program_is_measured(tmp_path: Path) -> None:
    """Its spans arrive, its output and arguments are its own."""
    script = tmp_path / "app.py"
    script.write_text(PROGRAM)
    with HttpReceiver() as receiver:
        finished = launch(
            "--",
            sys.executable,
            str(script),
            "--",
            "-x",
            environment={"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url},
        )
    assert finished.stdout == "arguments ['--', '-x']\n"
    assert finished.stderr == ""
    assert receiver.names == ["from the program"]


def test_the_exit_code_is_the_programs() -> None:
    """The command replaces the launcher."""
    finished = launch(
        sys.executable, "-c", "raise SystemExit(5)", environment={"OTEL_TRACES_EXPORTER": "none"}
    )
    assert finished.returncode == 5


def test_another_sitecustomize_still_runs(tmp_path: Path) -> None:
    """A sitecustomize that ours hides is run after it, under its own name."""
    (tmp_path / "sitecustomize.py").write_text("print('theirs', __name__)\n")
    finished = launch(
        sys.executable,
        "-c",
        "import sitecustomize; print(sitecustomize.__file__)",
        environment={"PYTHONPATH": str(tmp_path), "OTEL_TRACES_EXPORTER": "none"},
    )
    # The launcher itself met their sitecustomize first, before it was replaced by the program.
    assert finished.stdout.split()[-3:] == [
        "theirs",
        "sitecustomize",
        str(tmp_path / "sitecustomize.py"),
    ]


def test_the_program_starts_even_if_telemetry_cannot(tmp_path: Path) -> None:
    """A broken installation is one line on stderr, and the program runs."""
    broken = tmp_path / "spanledger"
    broken.mkdir()
    (broken / "__init__.py").write_text("raise ImportError('half installed')\n")
    environment = _launch.environment({"PYTHONPATH": str(tmp_path)})
    finished = subprocess.run(
        [sys.executable, "-c", "print('ran')"],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        timeout=300,
        check=False,
    )
    assert finished.stdout == "ran\n"
    assert finished.stderr == "spanledger: telemetry is off: ImportError: half installed\n"


def test_without_the_switch_nothing_is_started() -> None:
    """The folder alone, without SPANLEDGER_AUTO, changes nothing."""
    environment = {**os.environ, **_launch.environment({}), "SPANLEDGER_AUTO": "0"}
    finished = subprocess.run(
        [sys.executable, "-c", "import sys; print('spanledger' in sys.modules)"],
        capture_output=True,
        text=True,
        env=environment,
        timeout=300,
        check=True,
    )
    assert finished.stdout == "False\n"


def test_the_environment_is_extended_once() -> None:
    """PYTHONPATH keeps its entries behind ours, also when launched twice."""
    once = _launch.environment({"PYTHONPATH": f"a{os.pathsep}b", "X": "y"})
    assert once["PYTHONPATH"].split(os.pathsep) == [str(_launch.AUTOLOAD_FOLDER), "a", "b"]
    assert once["X"] == "y"
    assert _launch.environment(once) == once


@pytest.mark.parametrize(
    ("command", "code", "says"),
    [
        (["no-such-command-here"], 127, "command not found: no-such-command-here"),
        (["--"], 2, "no command"),
        ([], 2, "no command"),
        (["/"], 126, "cannot execute /"),
    ],
)
def test_a_command_that_cannot_start(command: list[str], code: int, says: str) -> None:
    """The reason is told on stderr, with the exit code of a shell."""
    finished = launch(*command)
    assert finished.returncode == code
    assert finished.stderr.startswith("spanledger run: ")
    assert says in finished.stderr
