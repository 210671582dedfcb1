"""The driver's errors become ours, with code, statement and advice."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from clickhouse_connect.driver.exceptions import DatabaseError

from spanledger_collector.errors import (
    CollectorError,
    ConfigurationError,
    PermanentError,
    StoreUnavailableError,
)
from spanledger_collector.store import Store
from spanledger_collector.store.failures import detail, statement_name, translate


@pytest.mark.parametrize(
    ("code", "kind", "told"),
    [
        (74, StoreUnavailableError, "cannot read a file"),
        (75, StoreUnavailableError, "free space"),
        (76, StoreUnavailableError, "more open files"),
        (77, StoreUnavailableError, "free space"),
        (101, StoreUnavailableError, "broke off"),
        (173, StoreUnavailableError, "memory ran out"),
        (241, StoreUnavailableError, "memory ran out"),
        (254, StoreUnavailableError, "no replica"),
        (279, StoreUnavailableError, "no server of the cluster"),
        (1000, StoreUnavailableError, "network or files"),
        (252, StoreUnavailableError, "larger batches"),
        (319, StoreUnavailableError, "ask before sending again"),
        (516, ConfigurationError, "wrong user or password"),
        (497, ConfigurationError, "lacks rights"),
        (60, PermanentError, "error 60"),
    ],
)
def test_codes_decide_whether_to_try_again(
    code: int, kind: type[CollectorError], told: str
) -> None:
    """A listed code is passing or a matter of settings; every other one is permanent."""
    error = translate(DatabaseError("Code: 1. DB::Exception: text", code=code), "runs")
    assert type(error) is kind
    assert told in str(error)
    assert str(error).startswith(f"runs failed with ClickHouse error {code}: text")
    assert error.out_of_memory is (code in {173, 241})


@pytest.mark.parametrize(
    ("code", "text", "kind"),
    [
        (1001, "std::filesystem: cannot create directories: No space left on device", "free space"),
        (1001, "std::system_error: open: Too many open files", "more open files"),
        (1001, "std::exception. Code: 1001, type: std::bad_alloc, e.what() = std::bad_alloc",
         "memory ran out"),
        (1001, "std::bad_cast", None),
        (32, "Attempt to read after eof: while receiving packet from b:9000", "broke off"),
        (32, "Attempt to read after eof: Cannot parse string '' as UInt8", None),
    ],
)  # fmt: skip
def test_some_codes_are_passing_by_what_their_message_says(
    code: int, text: str, kind: str | None
) -> None:
    """What ran out comes without a code of its own, and a peer that breaks off has that of data."""
    error = translate(DatabaseError(f"Code: {code}. DB::Exception: {text}", code=code), "runs")
    assert isinstance(error, StoreUnavailableError) is bool(kind)
    assert (kind or str(code)) in str(error)
    assert error.clickhouse_code == code
    assert error.out_of_memory is ("bad_alloc" in text)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (502, StoreUnavailableError),
        (500, StoreUnavailableError),
        (429, StoreUnavailableError),
        (413, PermanentError),
        (403, PermanentError),
    ],
)
def test_an_answer_without_a_code_is_of_a_proxy(status: int, kind: type[CollectorError]) -> None:
    """As the driver tells it. The page itself is of no use to anybody, its words may be."""
    text = (
        f"HTTP driver received HTTP status {status}, server response: <html><h1>Bad</h1>\n</html>"
    )
    error = translate(DatabaseError(text), "runs")
    assert type(error) is kind
    assert error.clickhouse_code is None
    assert f"{status}, server response: Bad" in str(error)
    assert "<" not in str(error)


def test_a_message_holds_no_stack_trace_version_or_statement() -> None:
    """What only a developer of the server could use is left out, the rest is one short line."""
    text = (
        "Received ClickHouse exception, server response: Code: 60. DB::Exception: Unknown table "
        "expression identifier 'nope' In scope SELECT * FROM nope WHERE secret = 'x'. "
        "(UNKNOWN_TABLE) (version 26.2.4.23 (official build))"
    )
    assert detail(DatabaseError(text)) == (
        "Unknown table expression identifier 'nope' (UNKNOWN_TABLE)"
    )
    traced = "Code: 9. DB::Exception: bad. (NAME), Stack trace (when copying):\n0. f @ 0x1\n1. g"
    assert detail(DatabaseError(traced)) == "bad. (NAME)"
    assert len(detail(DatabaseError("x" * 10_000))) == 400


@pytest.mark.parametrize(
    ("sql", "name"),
    [
        ("-- trace_cost: what a trace cost\nSELECT 1", "trace_cost"),
        ("SELECT\n    1", "SELECT 1"),
        ("SELECT " + "a" * 100, "SELECT " + "a" * 50 + "..."),
    ],
)
def test_statements_are_named(sql: str, name: str) -> None:
    """A file of ours is named by its header, other text by its first words."""
    assert statement_name(sql) == name


@pytest.mark.parametrize(
    ("sql", "kind", "told"),
    [
        ("SELEC 1", PermanentError, "62"),
        ("SELECT * FROM nope", PermanentError, "60.*nope"),
        (
            "SELECT count() FROM numbers(1e12) SETTINGS max_execution_time = 0.1",
            StoreUnavailableError,
            "159.*too long",
        ),
    ],
)
def test_errors_of_the_engine(
    unmigrated_store: Store, sql: str, kind: type[CollectorError], told: str
) -> None:
    """The same kinds embedded and over HTTP, on every way to read."""
    connection = unmigrated_store.connect()
    for read in (connection.rows, connection.arrow):
        with pytest.raises(kind, match=f"(?s){told}") as caught:
            read("-- asked: x\n" + sql)
        assert str(caught.value).startswith("asked failed with ClickHouse error")
        assert "Stack trace" not in str(caught.value)


def test_bad_values_are_permanent(unmigrated_store: Store) -> None:
    """A value the column cannot hold is the input's fault; the driver's own checks count too."""
    connection = unmigrated_store.connect()
    connection.execute("CREATE TABLE t (i UInt8) ENGINE = Memory")
    with pytest.raises(PermanentError, match="INSERT INTO t"):
        connection.insert_rows("t", ["i"], [["not a number"]])
    with pytest.raises(PermanentError, match="INSERT INTO t"):
        connection.insert_bytes("t", b"x\n", "CSV")
    assert connection.rows("SELECT count() AS n FROM t") == [{"n": 0}]


def test_nobody_answers() -> None:
    """A port without a server is a passing fault that names the address, not the password."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        with pytest.raises(StoreUnavailableError, match=f"127.0.0.1:{port}") as caught:
            Store.open(f"http://user:hidden@127.0.0.1:{port}/ledger")
    assert "hidden" not in str(caught.value)


def test_a_directory_that_cannot_be_written(tmp_path: Path) -> None:
    """A file where the directory should be is a wrong setting."""
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="cannot be written"):
        Store.open(f"chdb://{tmp_path}/file/ledger")


def test_a_second_process_is_sent_to_the_first(engine_dsn: str) -> None:
    """The directory is open in this process: another one is told to ask this one."""
    code = (
        "import sys\n"
        "from spanledger_collector.errors import ConfigurationError\n"
        "from spanledger_collector.store import Store\n"
        "try:\n"
        "    Store.open(sys.argv[1])\n"
        "except ConfigurationError as error:\n"
        "    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, engine_dsn],
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
        env=dict(os.environ),
    )
    assert "cannot be opened" in done.stdout
    assert "spanledger://127.0.0.1:4319" in done.stdout
