"""Records that found no run are kept apart: whatever comes when, and whoever looks for them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from tests.collector.settle import scene
from tests.collector.settle.told import agent_span, record_span

from spanledger_collector.settle import Settler
from spanledger_collector.store import Connection, Store

OTHER = "journal-of-another"


def _settled(settler: Settler) -> None:
    settler.settle_due(everything=True)


def _waiting(connection: Connection) -> list[tuple[object, object]]:
    rows = connection.rows("SELECT record_id, amount FROM unplaced_records ORDER BY ALL")
    return [(row["record_id"], row["amount"]) for row in rows]


def _told(trace: int, record_id: str, amount: int, **given: Any) -> scene.Row:
    return record_span(
        900 + trace, trace=trace, record__id=record_id, revenue__amount=amount, **given
    )


def _keyed(trace: int, key: str, **given: Any) -> scene.Row:
    return agent_span(trace, trace=trace, attributes={"spanledger.external_key": key}, **given)


def _of(journal: str, rows: Sequence[scene.Row]) -> list[scene.Row]:
    return [row | {"journal_id": journal} for row in rows]


@pytest.mark.slow
def test_runs_that_come_and_go(store: Store) -> None:
    """Late runs, a run that an agent's late span takes up, and records that move."""
    with store.connect() as connection:
        one = scene.settler(store)
        first = [
            scene.call(2, 1, (1, 0), trace=2),
            _keyed(5, "there"),
            _told(11, "late", 1, subject__external_key="to-come"),
            _told(13, "moves", 4, subject__external_key="there"),
            _told(14, "never", 8, subject__external_key="nobody"),
            _told(15, "same", 16),
            _told(16, "same", 32),
            record_span(999, 5, trace=5, record__id="same", revenue__amount=64),
        ]
        scene.load(connection, first)
        _settled(one)
        assert _waiting(connection) == [("late", 1), ("never", 8), ("same", 16), ("same", 32)]
        (run,) = connection.rows(
            "SELECT run_id FROM runs FINAL WHERE trace_id = {trace:String}",
            {"trace": scene.hex32(2)},
        )
        named = {"subject__trace_id": scene.hex32(2), "subject__run_id": run["run_id"]}
        scene.load(connection, [_told(12, "of-the-trace", 2, **named)])
        _settled(one)
        assert "of-the-trace" not in dict(_waiting(connection))
        outer = agent_span(1, trace=2, run_id="outer")
        moved = _told(23, "moves", 4, subject__external_key="elsewhere", at=50)
        scene.load(connection, [outer, _keyed(6, "to-come"), moved])
        _settled(one)
        one.stop(drain=False)
        assert _waiting(connection) == [
            ("moves", 4), ("never", 8), ("of-the-trace", 2), ("same", 16), ("same", 32),
        ]  # fmt: skip


@pytest.mark.slow
def test_whoever_looks(store: Store) -> None:
    """A ledger of an older version, a collector that was killed, and the journals of others."""
    with store.connect() as connection:
        mine = [_keyed(1, "a"), _told(11, "found", 1, subject__external_key="a"),
                _told(12, "lost", 2, subject__external_key="b")]  # fmt: skip
        theirs = [_keyed(2, "c"), _told(13, "found-too", 4, subject__external_key="c"),
                  _told(14, "lost-too", 8, subject__external_key="d")]  # fmt: skip
        one, other = scene.settler(store), scene.settler(store, journal_id=OTHER)
        scene.load(connection, mine)
        _settled(one)
        one.stop(drain=False)
        assert _waiting(connection) == [("lost", 2)]
        scene.load(connection, _of(OTHER, theirs))
        _settled(other)
        other.stop(drain=False)
        both = [("lost", 2), ("lost-too", 8)]
        assert _waiting(connection) == both
        # As an older version left it; one of the two collectors goes on.
        for table in ("stray_records", "record_searches"):
            connection.execute(f"TRUNCATE TABLE {table}")
        assert _waiting(connection) == []
        again = scene.settler(store)
        _settled(again)
        assert _waiting(connection) == both
        # Settled, and killed before anybody looked: the cursor is past it.
        scene.load(connection, [_told(15, "killed", 16, subject__external_key="e")])
        again.settle_traces([("default", scene.hex32(15))])
        _settled(again)
        again.stop(drain=False)
        connection.execute(
            "ALTER TABLE stray_records DELETE WHERE record_id = 'killed' SETTINGS mutations_sync=2"
        )
        connection.execute("ALTER TABLE record_searches DELETE WHERE 1 SETTINGS mutations_sync = 2")
        last = scene.settler(store)
        _settled(last)
        last.stop(drain=False)
        assert _waiting(connection) == [("killed", 16), *both]
        plan = connection.rows("EXPLAIN SELECT sum(amount) FROM unplaced_records")
    # However many records found their run, none of them is read.
    read = [str(row["explain"]) for row in plan if "ReadFrom" in str(row["explain"])]
    assert len(read) == 1
    assert "stray_records" in read[0]
