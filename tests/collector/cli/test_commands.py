"""The command line as people and programs use it: one process, real ledgers, real ports."""

from __future__ import annotations

import inspect
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import version
from typing import Any

import pytest
import typer.main
from tests.support.filled_ledger import HOSTILE, HOSTILE_TRACE, TRACE, UNKNOWN_TRACE
from tests.support.served_ledger import Served

from spanledger_collector.cli import doctor
from spanledger_collector.cli.app import app, execute
from spanledger_collector.errors import CollectorError

Shell = Callable[..., tuple[int, str, str]]
READS = [
    ["trace", TRACE],
    ["trace", HOSTILE_TRACE],
    ["agents"],
    ["agents", "--by", "day"],
    ["agent", "planner"],
    ["assets", "--break-even"],
    ["frontier"],
    ["what-if", "planner"],
    ["rework", "--by", "model"],
    ["agents", "--since", "2026-11-03"],
    ["runs"],
    ["models"],
    ["energy"],
    ["pools"],
    ["pools", "--days"],
    ["quality", "--by", "version"],
    ["engines"],
    ["engines", "--minutes"],
    ["runs", "--agent", "planner", "--limit", "1", "--until", "2026-12-01T00:00:00"],
    ["sql", "SELECT * FROM trace_cost ORDER BY trace_id"],
    ["sql", "SELECT agent_name, tags, started_at, cost_usd FROM runs ORDER BY run_id"],
]


def commands(group: Any = None, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    """Every verb there is, nested ones included."""
    group = group or typer.main.get_command(app)
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*path, name))
            if command.invoke_without_command:
                yield " ".join([*path, name]), command
        else:
            yield " ".join([*path, name]), command


COMMANDS = dict(commands())


@pytest.fixture
def shell(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, filled_dsn: str
) -> Shell:
    """Runs a command line against the filled ledger; gives exit code, output, errors."""
    monkeypatch.setenv("SPANLEDGER_URL", filled_dsn)
    monkeypatch.setenv("COLUMNS", "120")

    def run(*arguments: str) -> tuple[int, str, str]:
        code = execute(arguments)
        out, err = capsys.readouterr()
        return code, out, err

    return run


def test_the_verbs_are_the_documented_ones() -> None:
    assert {
        "up",
        "demo",
        "run",
        "trace",
        "agents",
        "runs",
        "models",
        "sql",
        "doctor",
        "schema",
    } <= set(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name: str) -> None:
    """Help says what it is for and shows an example that begins with the command's own name."""
    text = inspect.cleandoc(COMMANDS[name].help or "")
    assert len(text.splitlines()[0]) > 10
    assert re.search(rf"Example: spanledger {name}\b", text)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_is_explained(name: str) -> None:
    for parameter in COMMANDS[name].params:
        if parameter.param_type_name == "option":
            assert parameter.help, f"{name} {parameter.opts}"


@pytest.mark.parametrize("name", sorted(set(COMMANDS) - {"run", "prices build"}))
def test_every_command_speaks_json(name: str) -> None:
    """All but ``run``, whose output is its program's, and what only developers run."""
    assert any("--json" in parameter.opts for parameter in COMMANDS[name].params)


@pytest.mark.parametrize("name", COMMANDS)
def test_help_is_printed(name: str, shell: Shell) -> None:
    for flag in ("--help", "-h"):
        code, out, _ = shell(*name.split(), flag)
        assert code == 0
        assert f"spanledger {name}" in out
        assert "Example:" in out


@pytest.mark.slow
@pytest.mark.parametrize("line", READS, ids=" ".join)
def test_direct_and_through_a_collector_are_the_same(
    line: list[str], shell: Shell, api: Served
) -> None:
    """JSON from ClickHouse itself equals JSON through a collector's API, and so do the tables."""
    direct = shell(*line, "--json")
    assert direct[0] == 0, direct[2]
    assert json.loads(direct[1]) is not None
    assert shell(*line, "--json", "--url", api.address) == direct
    assert shell(*line, "--url", api.address) == shell(*line)


def test_money_is_shown_with_every_digit(shell: Shell) -> None:
    """In tables and in JSON; unknown money says so, a lower bound is marked."""
    _, table, _ = shell("trace", TRACE)
    for digits in ("$0.0031800001", "$0.00180000005", "≥$0.00543000016", "≥$0.00498000015"):
        assert digits in table
    assert "(2 attempts of unknown cost)" in table
    report = json.loads(shell("trace", TRACE, "--json")[1])
    assert report["summary"]["cost_usd"] == "0.005430000160"
    _, unknown, _ = shell("trace", UNKNOWN_TRACE)
    assert "cost unknown" in unknown
    assert "$0" not in unknown


def test_how_much_is_known_stands_beside_every_total(shell: Shell) -> None:
    """The share of attempts with a known cost, and of the cost what rests on estimated usage."""
    _, trace, _ = shell("trace", TRACE)
    assert "known 71.4%, estimated 8.3%" in trace
    _, table, _ = shell("models")
    known = {line.split()[1]: line for line in table.splitlines() if line.startswith("acme")}
    assert "≥$0.00543000016" in known["m1"]
    assert "83.3%" in known["m1"]
    assert "0.0%" in known["unknown-model"]
    assert "unknown" in known["unknown-model"].replace("unknown-model", "")


@pytest.mark.parametrize("verb", ["runs", "agents", "models"])
def test_nothing_found_says_what_to_do(verb: str, shell: Shell) -> None:
    """Instead of an empty table; JSON is an empty list."""
    code, out, _ = shell(verb, "--since", "2027-01-01")
    assert code == 0
    assert "spanledger doctor" in out
    assert json.loads(shell(verb, "--since", "2027-01-01", "--json")[1]) == []


def test_a_trace_tells_why(shell: Shell) -> None:
    """Retries, failures, estimates, unpriced models, repetitions left out, the tree of agents."""
    _, out, _ = shell("trace", TRACE)
    for word in ("retried (429)", "error (500)", "≈10", "unpriced", "not_billed", "└ researcher",
                 "1 further row of these calls not counted: duplicate_response",
                 "tokens were estimated"):  # fmt: skip
        assert word in out


@pytest.mark.slow
@pytest.mark.parametrize("width", ["40", "80", "100", "120", "200"])
@pytest.mark.parametrize("line", READS[:6], ids=" ".join)
def test_any_terminal_will_do(
    line: list[str], width: str, shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No line is wider than the terminal and no digit of money is cut."""
    wide = shell(*line)[1]
    monkeypatch.setenv("COLUMNS", width)
    code, out, err = shell(*line)
    assert (code, err) == (0, "")
    assert max(map(len, out.splitlines())) <= int(width)
    for amount in re.findall(r"\$0\.[0-9]+", wide):
        digits = iter(re.sub(r"[^0-9]", "", out))
        assert all(digit in digits for digit in re.sub(r"[^0-9]", "", amount))


@pytest.mark.parametrize("width", ["100", "120"])
def test_a_trace_id_can_be_copied(
    width: str, shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a usual terminal the newest runs show their trace ids unbroken."""
    monkeypatch.setenv("COLUMNS", width)
    _, out, _ = shell("runs", "--agent", "researcher")
    assert TRACE in out


def test_redirected_output_is_not_folded(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file or a pipe has no width: one line a row, so that grep and cut can be used."""
    monkeypatch.delenv("COLUMNS")
    _, out, _ = shell("runs", "--agent", "researcher")
    (line,) = [line for line in out.splitlines() if TRACE in line]
    assert "researcher" in line
    _, out, _ = shell("sql", "SELECT * FROM runs WHERE agent_name = 'researcher'")
    assert len([line for line in out.splitlines() if "researcher" in line]) == 1


def test_more_columns_than_a_terminal_holds_are_listed(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line a value, as nobody can read columns of two letters."""
    monkeypatch.setenv("COLUMNS", "80")
    asked = f"SELECT * EXCEPT callers FROM runs WHERE trace_id = '{TRACE}' ORDER BY run_id"
    _, out, _ = shell("sql", asked)
    lines = [line.split() for line in out.splitlines()]
    assert lines.count(["trace_id", TRACE]) > 1
    assert ["row", "1"] in lines
    assert not [line for line in out.splitlines() if line.startswith(" ")]
    assert max(map(len, out.splitlines())) <= 80


def test_the_version_is_told(shell: Shell) -> None:
    """The installed distribution's."""
    assert shell("--version") == (0, f"spanledger {version('spanledger')}\n", "")


@pytest.mark.parametrize(
    "line",
    [["trace", HOSTILE_TRACE], ["agents"], ["runs"],
     ["sql", "SELECT agent_name, error_type FROM runs"]],
    ids=" ".join,
)  # fmt: skip
def test_hostile_names_are_inert(
    line: list[str], shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No escape sequence, control or bidirectional character of a name reaches the terminal."""
    monkeypatch.setenv("COLUMNS", "400")
    monkeypatch.setenv("FORCE_COLOR", "1")
    _, out, _ = shell(*line)
    ours = re.sub(r"\x1b\[[0-9;]*m", "", out)
    assert not [c for c in ours if not c.isprintable() and c != "\n"]
    assert "\x1b[31m" not in out
    for kept in ("[bold]x[/bold]", "[/]", ":smile:"):
        assert kept in ours
    monkeypatch.delenv("FORCE_COLOR")
    assert json.loads(shell("runs", "--agent", HOSTILE, "--json")[1])[0]["agent_name"] == HOSTILE


@pytest.mark.parametrize(
    ("line", "code", "told"),
    [
        (["trace", "ff"], 1, "no trace 'ff' in the ledger: a trace id has 32 hex digits"),
        (["trace", "f" * 32], 1, "about three seconds"),
        (["trace"], 2, "Missing argument"),
        (["trace", TRACE, "--nope"], 2, "No such option"),
        (["nope"], 2, "No such command 'nope'"),
        (["runs", "--limit", "0"], 2, "--limit"),
        (["runs", "--since", "yesterday"], 2, "--since"),
        (["runs", "--since", "2026-11-03", "--until", "2026-11-01"], 2, "ends before it starts"),
        (
            ["export", "--to", "2026-11-01", "--from", "2026-11-02T00:00:01", "-o", "x.csv"],
            2,
            "--since 2026-11-02T00:00:01Z is after --until 2026-11-01T00:00:00Z",
        ),
        (["settle", "--since", "2026-11-03", "--until", "2026-11-01"], 2, "ends before it starts"),
        (["agents", "--url", "ftp://x"], 2, "is no ledger address"),
        (["agents", "--url", "chdb:///does/not/exist"], 1, "no embedded ledger"),
        (["agents", "--url", "spanledger://127.0.0.1:1"], 3, "spanledger up"),
        (["agents", "--url", "http://127.0.0.1:1"], 3, "127.0.0.1:1"),
        (["sql", "DROP TABLE runs"], 1, "only SELECT"),
        (["sql", "SELECT * FROM file('/etc/passwd')"], 1, "not allowed"),
        (["sql", "SELECT nope FROM runs"], 1, "nope"),
        (["up", "--host", "0.0.0.0"], 2, "keys add"),  # noqa: S104 - refused is the point
        (["up", "--insecure", "--sql", "--host", "0.0.0.0"], 2, "loopback"),  # noqa: S104 - refused
        (["up", "--http-port", "70000"], 2, "--http-port"),
        (["demo", "--tickets", "0"], 2, "--tickets"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_exit_codes(
    line: list[str], code: int, told: str, shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """1 not found or refused, 2 wrong usage or settings, 3 not reachable; one clear message."""
    monkeypatch.setenv("COLUMNS", "500")
    got, out, err = shell(*line)
    assert got == code
    assert told in err
    assert "Traceback" not in err
    assert out == ""


def test_a_wrong_variable_is_told(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """A setting that is no number names itself."""
    monkeypatch.setenv("SPANLEDGER_GRPC_PORT", "many")
    code, _, err = shell("up")
    assert code == 2
    assert "grpc_port" in err
    assert "'many'" in err


def test_ctrl_c_is_130(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """An interrupted command says nothing more."""

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("spanledger_collector.query.Ledger.trace", interrupted)
    code, out, _ = shell("trace", TRACE)
    assert (code, out) == (130, "")


def test_an_address_nobody_answers_at_is_one_line() -> None:
    """The driver's own remarks are not repeated above our message."""
    done = subprocess.run(
        [sys.executable, "-m", "spanledger_collector.cli", "runs", "--url", "http://127.0.0.1:1"],
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 3
    (line,) = done.stderr.splitlines()
    assert line.startswith("spanledger: ClickHouse does not answer")


def test_messages_are_inert_too(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error message may quote what somebody sent."""

    def fails(*_: object, **__: object) -> None:
        raise CollectorError(f"about {HOSTILE}")

    monkeypatch.setattr("spanledger_collector.query.Ledger.trace", fails)
    code, _, err = shell("trace", TRACE)
    assert code == 1
    assert "\x1b" not in err
    assert "[bold]x[/bold]" in err


def test_schema_is_a_list_of_statements(shell: Shell) -> None:
    """As text it is a script, as JSON a list with one of them each; together the same."""
    code, text, _ = shell("schema")
    assert code == 0
    statements = json.loads(shell("schema", "--json")[1])
    assert len(statements) > 10
    for statement in statements:
        bare = re.sub(r"--[^\n]*", "", statement)
        kinds = ("CREATE ", "ALTER TABLE ", "DROP VIEW ", "INSERT INTO ")
        assert sum(map(bare.count, kinds)) == 1
        assert statement.endswith(";")
    squeezed = re.sub(r"\s+", "", text)
    assert squeezed == re.sub(r"\s+", "", "".join(statements))
    cluster = json.loads(shell("schema", "--cluster", "prod", "--json")[1])
    assert len(cluster) >= len(statements)


@pytest.mark.slow  # every client is imported
def test_doctor_tells_both_sides(shell: Shell, api: Served) -> None:
    """Clients and the collector; a collector that is not there is told, not an error."""
    report = json.loads(shell("doctor", "--json", "--url", api.address)[1])
    assert report["prices"] == doctor.book_age()
    assert report["collector"] == {"state": f"answers at {api.address}", "ready": True}
    assert {client["client"] for client in report["clients"]} >= {"openai", "anthropic"}
    assert {p["state"] for c in report["clients"] for p in c["patches"]} >= {"installed"}
    code, out, _ = shell("doctor", "--url", "spanledger://127.0.0.1:1")
    assert code == 0
    assert re.search(r"openai +[0-9.]+ +1\.60\.0 +[0-9]+ on ", out)
    assert "no collector answers" in out
    assert "not asked" in shell("doctor", "--url", "chdb:///x")[1]
    assert doctor._unsettled({"parked_traces": 0, "state": "answers"}) == ""
    again = {"parked_traces": 0, "requested_traces": 3}
    assert doctor._unsettled(again) == "3 traces being settled again"
    assert doctor._unsettled({"parked_traces": 1, "refused_traces": 2}) == (
        "1 trace waiting and 2 traces refused: reasons are in the table parked_traces"
    )
    assert "is no collector's address" in shell("doctor", "--url", "spanledger://")[1]
