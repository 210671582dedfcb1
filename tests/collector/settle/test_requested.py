"""Traces that are settled again because somebody asked, or a new version."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from spanledger_collector.settle import passes
from spanledger_collector.store import Connection, Store
from spanledger_collector.store.settle_requests import (
    ask_settling,
    keep_request,
    open_requests,
)

from . import scene

_DAY_SECONDS = 86_400
#: Trace -> day of November that it is of; of two workspaces.
_DAYS = {1: 0, 2: 0, 3: 1, 4: 2, 5: 2}
_OTHER = "other"


def _loaded(connection: Connection) -> None:
    scene.publish(connection, [scene.price(input="0.01")])
    for trace, day in _DAYS.items():
        workspace = _OTHER if trace == 5 else "default"
        at = day * _DAY_SECONDS
        scene.load(
            connection, [scene.call(1, 0, (trace, 0), trace=trace, at=at, workspace=workspace)]
        )


def _costs(connection: Connection) -> dict[int, Decimal]:
    rows = connection.rows("SELECT trace_id, cost_usd FROM runs FINAL ORDER BY trace_id")
    return {int(str(row["trace_id"]), 16): Decimal(str(row["cost_usd"])) for row in rows}


def _lose(connection: Connection) -> None:
    for table in ("runs", "attempts"):
        connection.execute(f"TRUNCATE TABLE {table}")


@pytest.mark.slow
def test_what_is_asked_for_is_settled_again_and_nothing_else(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A day, a trace, a workspace, all; in pieces, by a settler that is killed in between."""
    monkeypatch.setattr(passes, "MAX_TRACES", 2)
    with store.connect() as connection:
        _loaded(connection)
        scene.settle(store, [1, 2, 3, 4])
        scene.settle(store, [5], _OTHER)
        whole = _costs(connection)
        assert list(whole) == list(_DAYS)
        day = scene.START.date()
        cases: tuple[tuple[dict[str, Any], set[int]], ...] = (
            ({"first_day": day, "last_day": day}, {1, 2}),
            ({"first_day": day + timedelta(days=1)}, {3, 4, 5}),
            ({"trace_id": scene.hex32(3)}, {3}),
            ({"workspace": _OTHER}, {5}),
            ({}, set(_DAYS)),
        )
        for asked, expected in cases:
            _lose(connection)
            count = ask_settling(connection, reason="a test", **asked)
            assert count == len(expected)
            settled = 0
            while open_requests(connection, ""):
                one = scene.settler(store)  # each is a new one, as after a kill
                settled += one.settle_requested()
                one.stop(drain=False)
            assert settled == len(expected)
            assert _costs(connection) == {trace: whole[trace] for trace in expected}
        assert ask_settling(connection, reason="a test", trace_id=scene.hex32(9)) == 0
        assert ask_settling(connection, reason="a test", last_day=date(2026, 10, 1)) == 0
        assert open_requests(connection, "") == []


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    pause = threading.Event()
    while not condition():
        assert time.monotonic() < deadline, "nothing happened for 120 s"
        pause.wait(0.05)


@pytest.mark.slow
def test_the_thread_does_it_beside_what_arrives(store: Store) -> None:
    """As soon as it is told; and tells how many are left."""
    settler = scene.settler(store, quiet_seconds=0)
    with store.connect() as connection:
        _loaded(connection)
        settler.settle_due(everything=True)
        whole = _costs(connection)
        _lose(connection)
        settler.start()
        try:
            assert ask_settling(connection, reason="a test") == len(_DAYS)
            settler.notify_requested()
            _until(lambda: not open_requests(connection, ""))
            assert _costs(connection) == whole
            assert settler.requested_traces == 0
        finally:
            settler.stop()


def test_one_collector_is_at_a_request_and_another_takes_over_when_it_dies(store: Store) -> None:
    with store.connect() as connection:
        _loaded(connection)
        ask_settling(connection, reason="a test")
        (request,) = open_requests(connection, "a")
        keep_request(connection, request, holder="a")
        (of_a,) = open_requests(connection, "a")
        (of_b,) = open_requests(connection, "b")
        assert (of_a.is_free, of_b.is_free) == (True, False)
        other = scene.settler(store, journal_id="b")
        assert other.settle_requested() == 0
        assert other.requested_traces == len(_DAYS)
        connection.execute(
            "INSERT INTO settle_requests SELECT * REPLACE (now64(3) - 1 AS held_until, "
            "version + 1 AS version) FROM settle_requests FINAL"
        )
        assert other.settle_requested() == len(_DAYS)
        other.stop(drain=False)
