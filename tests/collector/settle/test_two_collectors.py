"""F26: two collectors over one server: who posts, and whose settlement is the newest."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal

import pytest
from tests.support.gate import Fault, Gate
from tests.support.ledger_pool import LedgerPool

from spanledger_collector.errors import PermanentError, StoreUnavailableError
from spanledger_collector.settle import settlement, turns
from spanledger_collector.settle.turns import Turn, TurnTakenError, turn
from spanledger_collector.store import Connection, Store

from . import scene
from .booked import entered, ran

_BOOKS = """
SELECT
    (SELECT count() FROM amortization_charges FINAL) AS charges,
    (SELECT sum(amount_usd) FROM amortization_charges FINAL) AS charged_usd,
    (SELECT sum(amount_usd) FROM asset_balances) AS balance_usd
"""


@pytest.fixture
def server(http_pool: LedgerPool) -> Iterator[Store]:
    """An empty ledger over ClickHouse's HTTP protocol."""
    with http_pool.ledger() as dsn:
        store = Store.open(dsn)
        yield store
        store.close()


def _booked(connection: Connection, store: Store) -> None:
    """An asset of 120 over 12 runs, and 4 runs that arrived."""
    scene.load(
        connection,
        [
            entered(1, 0, "cost", amount="120", kind="training"),
            entered(2, 1, "plan", method="x", unit="execution", expected_units=12),
        ],
    )
    scene.settle(store, [10_001, 10_002])
    scene.load(connection, [row for trace in range(1, 5) for row in ran(trace, 2)])


@pytest.mark.slow
def test_one_posts_at_a_time(server: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """While one collector charges a run, another that settles it too waits, then finds it charged.

    Both in one statement each at once would both find nothing charged.
    """
    real = settlement._execute
    posting = threading.Semaphore(1)
    entered, others_wait = threading.Event(), threading.Event()
    together: list[str] = []

    def execute(
        connection: Connection,
        step: str,
        version: int,
        named: Mapping[str, str] = settlement._NOTHING,
        limits: Mapping[str, object] = settlement._NOTHING,
    ) -> None:
        if step != "post_charges":
            real(connection, step, version, named, limits)
            return
        if not posting.acquire(blocking=False):
            together.append(step)
            others_wait.set()
            return
        first = not entered.is_set()
        entered.set()
        if first:
            assert others_wait.wait(60), "the other neither waited nor posted"
        real(connection, step, version, named, limits)
        posting.release()

    def sleep(_seconds: float) -> None:
        others_wait.set()
        threading.Event().wait(0.01)

    with server.connect() as connection:
        _booked(connection, server)
        monkeypatch.setattr(settlement, "_execute", execute)
        monkeypatch.setattr(turns.time, "sleep", sleep)
        threads = [
            threading.Thread(target=scene.settle, args=(server, range(1, 5))) for _ in range(2)
        ]
        threads[0].start()
        assert entered.wait(60)
        threads[1].start()
        for thread in threads:
            thread.join(60)
        assert not together
        (books,) = connection.rows(_BOOKS)
        assert books == {
            "charges": 4, "charged_usd": Decimal(40), "balance_usd": Decimal(40),
        }  # fmt: skip


def test_a_turn_that_is_not_given_back_ends(server: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its holder was killed; and where it was only slow, it takes nothing from the next one."""
    with server.connect() as ours, server.connect() as theirs:
        monkeypatch.setattr(turns, "LEASE_SECONDS", 0.5)
        slow = turn(theirs)
        slow.__enter__()
        monkeypatch.setattr(turns, "LEASE_SECONDS", 60.0)
        with turn(ours):
            slow.__exit__(None, None, None)
            assert not turns._last(theirs)[2], "ours still"
        assert turns._last(theirs)[2]


def test_a_number_that_a_power_cut_took_is_passed_over(
    server: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server knows its token and has no row of it: nobody could take it, ever."""
    monkeypatch.setattr(turns, "LEASE_SECONDS", 0.5)
    with server.connect() as connection:
        with turn(connection):
            pass
        gone = "ALTER TABLE posting_turns DELETE WHERE 1 SETTINGS mutations_sync = 2"
        connection.execute(gone)
        with turn(connection):
            assert turns._last(connection)[0] == 4


def test_a_turn_ends_when_the_server_has_ended_what_was_asked(
    server: Store,
) -> None:
    """A statement whose answer was lost goes on: no other posts beside it. An error ends it."""
    slow = (
        "-- slow: two seconds\nINSERT INTO settling (version, workspace, trace_id) "
        "SELECT 1, 'w', toString(sleepEachRow(1)) FROM numbers(2)"
    )
    address = server.address
    with Gate(address.port) as gate, server.connect() as theirs:
        gate.open()
        through = Store.open(f"http://127.0.0.1:{gate.port}?database={address.database}")
        with through.connect() as ours:
            with pytest.raises(PermanentError), turn(ours):
                ours.execute("INSERT INTO nowhere SELECT 1")
            assert turns._last(theirs)[2], "given back"
            gate.fault = Fault(b"-- slow:")
            with pytest.raises(StoreUnavailableError), turn(ours):
                ours.execute(slow)
            assert not turns._last(theirs)[2]
            deadline = time.monotonic() + 60
            while not theirs.rows("SELECT 1 FROM settling WHERE workspace = 'w'"):
                assert time.monotonic() < deadline, "the server did not go on"
                threading.Event().wait(0.1)
        through.close()


@pytest.mark.slow
def test_who_waited_long_takes_the_next_number_as_others_do(
    server: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One waited a whole turn for a dead one, another comes just then: they post one by one."""
    real = turns._insert
    old_waits, new_posts, old_goes_on = (threading.Event() for _ in range(3))
    inside: list[str] = []
    together: list[str] = []

    def insert(connection: Connection, step: int, holder: str, until: datetime) -> None:
        first = threading.current_thread().name == "old" and not old_waits.is_set()
        if first:
            old_waits.set()
            assert new_posts.wait(60)
        real(connection, step, holder, until)
        if first:
            old_goes_on.set()

    def post() -> None:
        name = threading.current_thread().name
        with server.connect() as connection, turn(connection):
            together.extend(inside)
            inside.append(name)
            if name == "new":
                new_posts.set()
                assert old_goes_on.wait(60)
                threading.Event().wait(0.5)  # for the old one to take it, if it could
            inside.remove(name)
            posted.append(name)

    posted: list[str] = []
    with server.connect() as theirs:
        monkeypatch.setattr(turns, "LEASE_SECONDS", 3.0)
        dead = turn(theirs)
        dead.__enter__()
        monkeypatch.setattr(turns, "LEASE_SECONDS", 2.5)  # less than the old one waits
        monkeypatch.setattr(turns, "_insert", insert)
        old, new = (threading.Thread(target=post, name=name) for name in ("old", "new"))
        old.start()
        assert old_waits.wait(60)
        monkeypatch.setattr(turns, "LEASE_SECONDS", 60.0)
        new.start()
        for thread in (old, new):
            thread.join(90)
        assert posted == ["new", "old"]
        assert not together
        del dead


@pytest.mark.slow
def test_who_waits_too_long_settles_later(server: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is given up: not where another holds the turn, nor where one's own has run out."""
    with server.connect() as connection, server.connect() as theirs:
        _booked(connection, server)
        settler = scene.settler(server, quiet_seconds=0)
        with turn(theirs):
            monkeypatch.setattr(turns, "LEASE_SECONDS", 0.1)
            with pytest.raises(TurnTakenError, match="another collector"):
                settler.settle_due()
            monkeypatch.undo()
        with pytest.raises(TurnTakenError, match="longer than a turn"):
            Turn(time.monotonic() + 1).limits()
        assert (settler.waiting() > 0, settler.failed_traces) == (True, 0)
        settler.settle_due()
        assert connection.rows(_BOOKS)[0]["charges"] == 4
        settler.stop()


@pytest.mark.slow
def test_a_clock_that_is_ahead_keeps_nothing_out(server: Store) -> None:
    """A collector an hour ahead settled the trace; a later span comes to the one with the clock."""
    with server.connect() as connection:
        scene.publish(connection, [scene.price(input="0.01")])
        behind = scene.settler(server, quiet_seconds=0)
        behind.settle_due()  # its first look at what others did
        scene.load(connection, [scene.call(1, 0, (1, 0))])
        ahead = scene.settler(server, quiet_seconds=0)
        ahead._passes.cursor.version = time.time_ns() + 3600 * 10**9
        assert ahead.settle_due() == 1
        scene.load(connection, [scene.call(2, 0, (2, 0))])
        assert behind.settle_due() == 1
        assert scene.cost(connection, "runs") == Decimal("0.03")
        assert behind.waiting() == 0
        # Settled without anything that arrived, such as when a GPU window closes.
        ahead._passes.cursor.version += 3600 * 10**9
        assert ahead.settle_traces([("default", scene.hex32(1))]) == 1
        scene.load(connection, [scene.call(3, 0, (3, 0))])
        assert behind.settle_due() == 1
        assert scene.cost(connection, "runs") == Decimal("0.06")
        assert behind.waiting() == 0
        for settler in (ahead, behind):
            settler.stop(drain=False)
