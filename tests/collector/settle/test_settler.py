"""The settler: follows a journal by itself, remembers how far it came, isolates what fails."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from itertools import count

import pytest

from spanledger_collector.errors import PermanentError, StoreUnavailableError
from spanledger_collector.price import ModelMatch
from spanledger_collector.query import DirectReader, Ledger
from spanledger_collector.settle import TraceKey
from spanledger_collector.settle import passes as module
from spanledger_collector.settle.settlement import chunks
from spanledger_collector.store import Connection, Store

from . import scene


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    pause = threading.Event()
    while not condition():
        assert time.monotonic() < deadline, "nothing happened for 30 s"
        pause.wait(0.02)


@pytest.mark.slow
def test_the_thread_settles_what_arrives_and_settles_late_spans_again(store: Store) -> None:
    settler = scene.settler(store, quiet_seconds=0.05)
    settler.start()
    try:
        with store.connect() as connection:
            scene.publish(connection, [scene.price(input="0.01")])
            scene.load(connection, [scene.call(1, 0, (1, 0))])
            settler.notify()
            _until(lambda: scene.cost(connection, "runs") == Decimal("0.01"))
            scene.load(connection, [scene.call(2, 0, (2, 0))])
            settler.notify()
            _until(lambda: scene.cost(connection, "runs") == Decimal("0.03"))
    finally:
        settler.stop()
    assert settler.failed_traces == 0


def test_stopping_settles_what_is_not_quiet_yet(store: Store) -> None:
    settler = scene.settler(store, quiet_seconds=3600, max_wait_seconds=3600)
    settler.start()
    with store.connect() as connection:
        scene.load(connection, [scene.call(1, 0, (1, 0))])
        settler.stop()
        assert len(scene.runs(connection)) == 1


def test_an_unexpected_error_does_not_end_the_thread(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    """It is logged with its trace, and the work is done at the next try."""
    faults = iter([ValueError("nobody thought of this")])

    def resolve(provider: str, model: str) -> object:
        for fault in faults:
            raise fault
        return scene.resolve(provider, model)

    settler = scene.settler(store, quiet_seconds=0, resolve=resolve)
    settler.start()
    try:
        with store.connect() as connection:
            scene.load(connection, [scene.call(1, 0, (1, 0))])
        settler.notify()
        _until(lambda: settler.settled_traces == 1)
    finally:
        assert settler.stop()
    assert "nobody thought of this" in caplog.text
    assert not settler.running


@pytest.mark.slow
def test_draining_ends_in_time_and_says_that_something_is_left(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is left is settled by the next settler."""
    monkeypatch.setattr(module, "MAX_TRACES", 2)
    settler = scene.settler(store, quiet_seconds=3600, max_wait_seconds=3600)
    with store.connect() as connection:
        scene.load(connection, [scene.call(1, 0, (1, 0), trace=n) for n in range(1, 6)])
        assert not settler.stop(timeout_seconds=0)
        following = scene.settler(store, quiet_seconds=0)
        assert following.settle_due() >= 3
        assert following.stop()
        (row,) = connection.rows("SELECT uniqExact(trace_id) AS traces FROM runs FINAL")
    assert row["traces"] == 5


def test_a_new_settler_goes_on_where_the_last_one_stopped(store: Store) -> None:
    """Other journals are not its business; versions only grow."""
    first = scene.settler(store, quiet_seconds=0)
    with store.connect() as connection:
        scene.load(connection, [scene.call(1, 0, (1, 0))], sequence=1)
        scene.load(connection, [scene.call(1, 0, (1, 0), trace=2, journal_id="b")], sequence=9)
        assert first.settle_due() == 1
        first.stop(drain=False)
        second = scene.settler(store, quiet_seconds=0)
        assert second.settle_due() == 0
        scene.load(connection, [scene.call(2, 0, (1, 0))], sequence=2)
        assert second.settle_due() == 1
        second.stop()
        versions = connection.rows("SELECT DISTINCT version FROM runs ORDER BY version")
        other = connection.rows(
            "SELECT 1 FROM runs WHERE trace_id = {t:String}", {"t": scene.hex32(2)}
        )
    assert len(versions) == 2
    assert other == []


def test_model_ids_are_asked_once_per_book(store: Store) -> None:
    """Also those that the book does not know."""
    asked: list[tuple[str, str]] = []

    def resolve(provider: str, model: str) -> object:
        asked.append((provider, model))
        return scene.resolve(provider, model)

    with store.connect() as connection:
        scene.load(
            connection,
            [
                scene.call(1, 0, (1, 1), request_model="m1", response_model="m1-dated"),
                scene.call(2, 0, (1, 1), request_model="unknown-x"),
            ],
        )
        for book in ("one", "one", "two"):
            settler = scene.settler(store, resolve=resolve, book_id=book)
            settler.settle_traces([("default", scene.hex32(1))])
            settler.stop(drain=False)
        methods = connection.rows(
            "SELECT model_seen, method, book_id FROM model_aliases FINAL ORDER BY model_seen"
        )
    once = [("acme", "m1"), ("acme", "m1-dated"), ("acme", "unknown-x")]
    assert asked == once * 2
    assert [tuple(row.values()) for row in methods] == [
        ("m1", "exact", "two"),
        ("m1-dated", "exact", "two"),
        ("unknown-x", "none", "two"),
    ]


@pytest.mark.slow
def test_a_name_that_only_the_operator_gave_ends_when_it_is_gone(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    """Calls made before keep their price as known now; later ones are unpriced; it is told once."""
    later = f"{datetime.now(timezone.utc) + timedelta(days=1):%Y-%m-%d %H:%M:%S}"
    with store.connect() as connection:
        scene.publish(connection, [scene.price("ours", input="0.001")])
        calls = [
            scene.call(1, 0, (1000, 0), request_model="ours"),
            scene.call(
                2, 0, (1000, 0), trace=2, request_model="ours",
                started_at=later, ended_at=later, received_at=later,
            ),
        ]  # fmt: skip
        scene.load(connection, calls)
        for trace, book, method in ((1, "with", "operator"), (2, "without", ""), (2, "other", "")):
            match = ModelMatch("acme", "ours", method) if method else None

            def resolve(
                _provider: str, _model: str, match: ModelMatch | None = match
            ) -> ModelMatch | None:
                return match

            settler = scene.settler(store, resolve=resolve, book_id=book)
            settler.settle_traces([("default", scene.hex32(trace))])
            settler.stop(drain=False)
        known = connection.rows("SELECT DISTINCT known_from FROM model_aliases FINAL")
    assert caplog.text.count("no entry any more for 1 models") == 1
    assert "acme/ours" in caplog.text
    assert len(known) == 2, "the third book says nothing new"
    with Ledger(DirectReader(store)) as ledger:
        days = ledger.reprice(by="day")
    assert sorted((row.billed_usd, row.repriced_usd) for row in days if row.billed_usd) == [(1, 1)]
    assert [(row.billed_unknown_attempts, row.repriced_unknown_attempts) for row in days] in (
        [(0, 0), (1, 1)],
        [(1, 1), (0, 0)],
    )


@pytest.mark.slow
def test_a_trace_that_cannot_be_settled_keeps_back_no_other(
    store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    poison = TraceKey("default", scene.hex32(3))
    real = module.begin

    def begin(connection: Connection, traces: list[TraceKey], version: int) -> None:
        if poison in traces:
            raise PermanentError("no such luck")
        real(connection, traces, version)

    monkeypatch.setattr(module, "begin", begin)
    with store.connect() as connection:
        scene.load(connection, [scene.call(1, 0, (1, 1), trace=n) for n in range(1, 6)])
        settler = scene.settler(store, quiet_seconds=0)
        assert settler.settle_due() == 5
        assert (settler.settled_traces, settler.failed_traces) == (4, 1)
        assert [bool(scene.runs(connection, n)) for n in range(1, 6)] == [
            True,
            True,
            False,
            True,
            True,
        ]
        assert poison.trace_id in caplog.text
        assert settler.settle_due() == 0
        (told,) = connection.rows("SELECT trace_id, state, reason FROM parked_traces FINAL")
        assert told == {
            "trace_id": poison.trace_id, "state": "refused", "reason": "no such luck",
        }  # fmt: skip
        assert settler.parked.count("refused") == 1
        settler.stop()
        monkeypatch.undo()
        after = scene.settler(store, quiet_seconds=0)
        assert after.settle_due() == 1, "a start tries it again: it may be mended"
        assert (after.parked.count("refused"), after.waiting()) == (0, 0)
        assert len(scene.runs(connection, 3)) == 1
        assert connection.rows("SELECT 1 FROM parked_traces FINAL") == []
        after.stop()


def test_a_ledger_that_does_not_answer_loses_nothing(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    down = True
    real = module.run_steps

    def run_steps(connection: Connection, version: int) -> None:
        if down:
            raise StoreUnavailableError("gone")
        real(connection, version)

    monkeypatch.setattr(module, "run_steps", run_steps)

    def answers(_connection: Connection) -> bool:
        return not down

    monkeypatch.setattr(module, "answers", answers)
    with store.connect() as connection:
        scene.load(connection, [scene.call(1, 0, (1, 1))])
        settler = scene.settler(store, quiet_seconds=0)
        with pytest.raises(StoreUnavailableError):
            settler.settle_due()
        assert settler.failed_traces == 0
        down = False
        assert settler.settle_due() == 1
        assert len(scene.runs(connection)) == 1
        settler.stop()


def test_traces_are_taken_in_bounded_groups(store: Store) -> None:
    """A trace above the bound is a group of its own; unknown traces are left out."""
    with store.connect() as connection:
        sizes = {1: 3, 2: 3, 3: 9, 4: 1, 5: 1}
        scene.load(
            connection,
            [scene.span(i, 0, trace=t) for t, size in sizes.items() for i in range(1, size + 1)],
        )
        keys = [TraceKey("default", scene.hex32(number)) for number in (1, 2, 3, 4, 5, 6)]
        groups = list(chunks(connection, keys, count(1), max_traces=2, max_spans=7))
    assert [[int(key.trace_id, 16) for key in group] for group in groups] == [
        [1, 2],
        [3],
        [4, 5],
    ]


def test_unknown_traces_are_no_error(store: Store) -> None:
    assert scene.settle(store, (404,)) == 0


@pytest.mark.slow
def test_a_full_group_of_traces_fits_in_one_statement(any_store: Store) -> None:
    """A thousand trace ids travel as one parameter, also in an HTTP request."""
    with any_store.connect() as connection:
        scene.load(connection, [scene.call(1, 0, (1, 1), trace=n) for n in range(1, 1001)])
        settler = scene.settler(any_store, quiet_seconds=0)
        assert settler.settle_due() == 1000
        settler.stop(drain=False)
        (row,) = connection.rows("SELECT count() AS runs FROM runs FINAL")
    assert (row["runs"], settler.failed_traces) == (1000, 0)


@pytest.mark.slow
@pytest.mark.parametrize("first_to_read", ["ours", "theirs"])
def test_two_settlers_of_one_trace_leave_one_ledger(
    store: Store, monkeypatch: pytest.MonkeyPatch, first_to_read: str
) -> None:
    """Another collector settles the trace while ours does; a late parent arrives in between.

    Whoever read the spans first, no run or attempt of the poorer view stays.
    """
    child = scene.call(2, 1, (1, 0))
    parent = scene.span(1, 0, "agent")
    real_gather, real_run_steps = module.gather, module.run_steps
    key, theirs = TraceKey("default", scene.hex32(1)), time.time_ns() + 10**12
    meetings = count()

    def meanwhile(connection: Connection) -> None:
        if first_to_read == "ours":
            scene.load(connection, [parent])
            module.begin(connection, [key], theirs)
            real_gather(connection, theirs, {})
        real_run_steps(connection, theirs)

    def gather(connection: Connection, version: int, hosts: Mapping[str, str]) -> None:
        if first_to_read == "theirs" and next(meetings) == 0:
            module.begin(connection, [key], theirs)
            real_gather(connection, theirs, {})
            scene.load(connection, [parent])
        real_gather(connection, version, hosts)

    def run_steps(connection: Connection, version: int) -> None:
        if version < theirs and not scene.runs(connection):
            meanwhile(connection)
        real_run_steps(connection, version)

    monkeypatch.setattr(module, "gather", gather)
    monkeypatch.setattr(module, "run_steps", run_steps)
    with store.connect() as connection:
        scene.publish(connection, [scene.price(input="0.01")])
        scene.load(connection, [child])
        settler = scene.settler(store, quiet_seconds=0)
        assert settler.settle_due() == 1
        assert settler.waiting() == 1, "overtaken: to be settled once more"
        if first_to_read == "ours":
            assert list(scene.runs(connection)) == [scene.hex16(1)]
        settler.stop(drain=False)  # killed: the next one knows
        settler = scene.settler(store, quiet_seconds=0)
        settler._passes.cursor.version = theirs  # time has gone on
        assert settler.settle_due() == 1
        assert settler.waiting() == 0
        assert list(scene.runs(connection)) == [scene.hex16(1)]
        assert (
            scene.cost(connection, "runs") == scene.cost(connection, "attempts") == Decimal("0.01")
        )
        settler.stop(drain=False)


def test_what_the_engine_shows_of_a_record_later_is_settled(store: Store) -> None:
    """Nothing waited in between; the cursor that was stored stands behind the record already."""
    with store.connect() as connection:
        settler = scene.settler(store, quiet_seconds=0)
        scene.load(connection, [scene.call(1, 0, (1, 0), trace=1)], sequence=7)
        assert settler.settle_due() == 1
        scene.load(connection, [scene.call(1, 0, (1, 0), trace=2)], sequence=7)
        assert settler.settle_due() == 1
        assert len(scene.runs(connection, 2)) == 1
        settler.stop(drain=False)
