"""A database is brought to this version's schema, once, whoever starts."""

import dataclasses
import threading
from collections.abc import Sequence
from datetime import date
from pathlib import PurePosixPath

import pytest

from spanledger_collector import sql
from spanledger_collector.errors import ConfigurationError, PermanentError
from spanledger_collector.store import Store, migrate, migrations
from spanledger_collector.store.migrations import SchemaFile, schema_files, view_files
from spanledger_collector.store.settle_requests import open_requests

_DAY = date(2026, 11, 1)
OBJECTS = "SELECT name FROM system.tables WHERE database = currentDatabase() ORDER BY name"


def _with(monkeypatch: pytest.MonkeyPatch, files: Sequence[SchemaFile]) -> None:
    monkeypatch.setattr(migrations, "schema_files", lambda: tuple(files))


def _with_sql(monkeypatch: pytest.MonkeyPatch, texts: dict[str, str]) -> None:
    def names(folder: str) -> tuple[str, ...]:
        return tuple(texts)

    def read(path: str) -> str:
        return texts[PurePosixPath(path).stem]

    monkeypatch.setattr(sql, "names", names)
    monkeypatch.setattr(sql, "read", read)


@pytest.mark.slow
def test_everything_is_made_once(unmigrated_store: Store) -> None:
    """The first start makes every object and records every file; the second does nothing."""
    connection = unmigrated_store.connect()
    assert migrate(connection) == list(sql.names("schema"))
    assert open_requests(connection, "") == []  # there is nothing to settle again
    made = {row["name"] for row in connection.rows(OBJECTS)}
    assert {"spans", "attempts", "runs", "prices", "schema_migrations"} | set(view_files()) <= made
    recorded = connection.rows("SELECT name, sha256 FROM schema_migrations ORDER BY number")
    assert [(row["name"], row["sha256"]) for row in recorded] == [
        (file.name, file.sha256) for file in schema_files()
    ]
    assert migrate(connection) == []


@pytest.mark.slow
def test_an_interrupted_start_is_finished(
    unmigrated_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files before the failing one stay applied; the next start goes on from there."""
    broken = SchemaFile(9000, "9000_broken", "CREATE TABLE broken (i Nonsense) ENGINE = Memory")
    connection = unmigrated_store.connect()
    files = schema_files()
    _with(monkeypatch, (*files[:3], broken))
    with pytest.raises(PermanentError, match=r"sql/schema/9000_broken\.sql.*Nonsense"):
        migrate(connection)
    monkeypatch.undo()
    assert migrate(connection) == [file.name for file in files[3:]]


@pytest.mark.slow
def test_what_was_told_and_settled_before_is_taken_over(unmigrated_store: Store) -> None:
    """Whom records name, by their names; runs that named no caller are tops until settled again."""
    connection = unmigrated_store.connect()
    for file in schema_files():
        if file.number < 132:
            connection.execute(file.text)
            row = (file.number, file.name, file.sha256)
            connection.insert_rows("schema_migrations", ("number", "name", "sha256"), [row])
    about = ["workspace", "subject_kind", "subject", "kind", "record_id", "trace_id", "span_id"]
    told = [
        ["w", "key", "t-1", "revenue", "sale", "t1", "s1"],
        ["w", "trace", "t2", "revenue", "own", "t2", "s2"],
    ]
    connection.insert_rows("records", about, told)
    columns = ["workspace", "trace_id", "run_id", "parent_run_id"]
    connection.insert_rows("runs", columns, [["w", "t1", "r1", ""], ["w", "t1", "r2", "r1"]])
    arrived = [["w", trace, day] for trace in ("t1", "t2") for day in (_DAY, _DAY.replace(day=2))]
    connection.insert_rows("arrivals", ["workspace", "trace_id", "day"], arrived)
    migrate(connection)
    (again,) = open_requests(connection, "")
    assert (again.traces, again.settled, again.workspace, again.of_trace) == (2, 0, "", "")
    assert again.first_day < _DAY < again.last_day
    connection.insert_rows("records", about, [["w", "run", "r2", "revenue", "sale", "t3", "s3"]])
    named = "SELECT record_id, subject FROM record_tellings FINAL ORDER BY span_id"
    assert [tuple(row.values()) for row in connection.rows(named)] == [
        ("sale", "t-1"),
        ("sale", "r2"),
    ]
    runs = "SELECT run_id, is_top, caller_missing FROM runs FINAL ORDER BY run_id"
    assert [tuple(row.values()) for row in connection.rows(runs)] == [
        ("r1", True, False),
        ("r2", False, False),
    ]


@pytest.mark.slow
def test_balances_that_missed_a_charge_are_right_after_an_upgrade(unmigrated_store: Store) -> None:
    """They were a table of their own, written after the charges; now they are read from these."""
    connection = unmigrated_store.connect()
    columns = ["workspace", "trace_id", "run_id", "asset_id", "units", "amount_usd"]
    for file in schema_files():
        if file.number == 64:
            connection.insert_rows(
                "amortization_charges", columns, [["w", "t1", "r1", "lost", 1, 2]]
            )
        if file.number < 86:
            connection.execute(file.text)
            row = (file.number, file.name, file.sha256)
            connection.insert_rows("schema_migrations", ("number", "name", "sha256"), [row])
    connection.insert_rows("amortization_charges", columns, [["w", "t2", "r2", "kept", 3, 4]])
    (old,) = connection.rows("SELECT groupArray(asset_id) AS assets FROM asset_balances")
    assert old["assets"] == ["kept"]
    migrate(connection)
    balances = "SELECT asset_id, units, amount_usd FROM asset_balances ORDER BY asset_id"
    expected = [
        {"asset_id": "kept", "units": 3, "amount_usd": 4},
        {"asset_id": "lost", "units": 1, "amount_usd": 2},
    ]
    assert connection.rows(balances) == expected
    connection.execute("OPTIMIZE TABLE amortization_charges FINAL")
    assert connection.rows(balances) == expected


@pytest.mark.slow
def test_an_applied_file_never_changes(
    unmigrated_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another text under an applied number is refused and says what to do."""
    connection = unmigrated_store.connect()
    migrate(connection)
    *rest, last = schema_files()
    _with(monkeypatch, (*rest, dataclasses.replace(last, text=last.text + "\n-- edited")))
    with pytest.raises(ConfigurationError, match=rf"{last.name}\.sql differs.*new file"):
        migrate(connection)


def test_a_newer_database_is_refused(any_store: Store) -> None:
    """An older program does not touch what a newer one wrote."""
    connection = any_store.connect()
    connection.insert_rows(
        "schema_migrations", ["number", "name", "sha256"], [[9999, "9999_future", "0"]]
    )
    with pytest.raises(ConfigurationError, match=r"9999_future.*newer one"):
        migrate(connection)


@pytest.mark.slow
def test_views_are_replaced_at_each_start(any_store: Store) -> None:
    """A view that is not as shipped is as shipped after a start."""
    connection = any_store.connect()
    connection.execute("CREATE OR REPLACE VIEW coverage AS SELECT 1 AS wrong")
    migrate(connection)
    columns = connection.rows("SELECT * FROM coverage")
    described = connection.rows("DESCRIBE TABLE coverage")
    assert columns == []
    assert "wrong" not in {row["name"] for row in described}


@pytest.mark.slow
def test_a_failing_view_names_its_file(any_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message of a view that cannot be made says which file to look at."""
    monkeypatch.setattr(
        migrations,
        "view_files",
        lambda: {"bad": "CREATE OR REPLACE VIEW bad AS SELECT x FROM runs"},
    )
    with (
        any_store.connect() as connection,
        pytest.raises(PermanentError, match=r"sql/views/bad\.sql"),
    ):
        migrate(connection)


def test_views_come_after_those_they_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Order is by who reads whom, whatever the names; text and comments do not count."""
    texts = {
        "a": "CREATE VIEW a AS SELECT * FROM c",
        "b": "-- reads nothing, not even a\nCREATE VIEW b AS SELECT 'c' AS word /* a */",
        "c": "CREATE VIEW c AS SELECT * FROM b AS x",
    }
    _with_sql(monkeypatch, texts)
    view_files.cache_clear()
    assert list(view_files()) == ["b", "c", "a"]
    texts["b"] = "CREATE VIEW b AS SELECT * FROM a"
    view_files.cache_clear()
    with pytest.raises(ConfigurationError, match="circle"):
        view_files()
    view_files.cache_clear()


@pytest.mark.parametrize("names", [("nonumber",), ("0001_a", "0001_b")])
def test_schema_files_are_numbered(names: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    """A file without a number of its own is found before anything runs."""
    _with_sql(monkeypatch, dict.fromkeys(names, "SELECT 1"))
    schema_files.cache_clear()
    with pytest.raises(ConfigurationError, match="a number of its own"):
        schema_files()
    schema_files.cache_clear()


@pytest.mark.slow
def test_two_collectors_may_start_at_once(unmigrated_store: Store) -> None:
    """Several migrations of one empty database at the same time all succeed, with one result."""
    failures: list[BaseException] = []

    def start() -> None:
        with unmigrated_store.connect() as connection:
            try:
                migrate(connection)
            except BaseException as error:  # noqa: BLE001 -- shown by the assert below
                failures.append(error)

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    with unmigrated_store.connect() as connection:
        rows = connection.rows("SELECT count() AS n FROM schema_migrations FINAL")
        assert rows == [{"n": len(schema_files())}]
        assert migrate(connection) == []
