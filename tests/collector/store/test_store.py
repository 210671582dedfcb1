"""Opening and closing a ledger."""

import gc
from pathlib import Path

import pytest

from spanledger_collector.store import Store


def test_open_creates_the_database_once(any_dsn: str) -> None:
    """A missing database is made, an existing one is used, its data kept."""
    first = Store.open(any_dsn)
    with first.connect() as connection:
        connection.execute("CREATE TABLE t ENGINE = MergeTree ORDER BY i AS SELECT 7 AS i")
        [row] = connection.rows(
            "SELECT engine FROM system.databases WHERE name = currentDatabase()"
        )
        assert row["engine"] == "Atomic"
    first.close()
    second = Store.open(any_dsn)
    assert second.connect().rows("SELECT * FROM t") == [{"i": 7}]
    second.close()


def test_databases_of_one_engine_are_apart(fresh_dsn: str, engine_dsn: str) -> None:
    """Two ledgers in one process do not see each other's tables by name."""
    one, other = Store.open(fresh_dsn), Store.open(engine_dsn, database="keeper")
    one.connect().execute("CREATE TABLE mine (i UInt8) ENGINE = Memory")
    assert other.connect().rows("EXISTS TABLE mine") == [{"result": 0}]
    one.close()
    other.close()


def test_the_embedded_engine_is_capped(engine_dsn: str) -> None:
    """Server memory and mark cache are what engine.xml says."""
    store = Store.open(engine_dsn, database="keeper")
    rows = store.connect().rows(
        "SELECT name, value FROM system.server_settings "
        "WHERE name IN ('max_server_memory_usage', 'mark_cache_size') ORDER BY name"
    )
    assert [row["value"] for row in rows] == [str(64 << 20), str(4 << 30)]
    store.close()


def test_close_ends_every_connection(store: Store) -> None:
    """After close no connection that was given out works; closing twice is harmless."""
    connections = [store.connect() for _ in range(3)]
    connections[0].close()
    store.close()
    store.close()
    for connection in connections:
        with pytest.raises(Exception, match="closed"):
            connection.rows("SELECT 1")


def test_a_dropped_connection_is_forgotten(store: Store) -> None:
    """A store does not hold connections nobody uses any more."""
    gc.collect()
    held = len(store._opened)
    for _ in range(5):
        store.connect()
    gc.collect()
    assert len(store._opened) == held


def test_the_configuration_lies_beside_the_engine(engine_dsn: str) -> None:
    """The engine's directory holds the engine's files only."""
    path = Path(engine_dsn.removeprefix("chdb://"))
    assert path.with_name("ledger.engine.xml").is_file()
    assert [
        entry for entry in path.parent.iterdir() if entry.name.startswith("ledger.engine.xml.")
    ] == []
