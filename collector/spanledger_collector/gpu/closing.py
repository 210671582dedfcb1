"""Closes windows of GPU pools that are over, and again when a late call changes one.

A window is closed ``_GRACE`` after its end, from calls that are settled: what counts twice was
found out before. Its rows in ``gpu_shares`` are written first; then the traces that got a share are
settled, which puts it on their attempts; its row in ``gpu_windows`` comes last. So whatever a kill
leaves half done is closed again, however many traces it was. Late calls are looked for in the last
hours on every pass, further back now and then.
"""

import hashlib
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import cast

from spanledger_collector import sql
from spanledger_collector.errors import CollectorError
from spanledger_collector.store import Connection, Store

from .calls import Row, name_of, observations
from .document import Pool
from .energy import Stretch, write_energy
from .owners import write_owners
from .rows import Closed
from .unfinished import SettleTraces, Unfinished
from .window import Rate, bill, windows

_LOG = logging.getLogger(__name__)
_WINDOW = timedelta(minutes=10)
#: How long after its end a window waits for its calls to arrive and be settled.
_GRACE = timedelta(minutes=1)
_LATE = timedelta(hours=2)
_VERY_LATE = timedelta(days=7)
_PASS_SECONDS = 30.0
_DEEP_SECONDS = 3600.0
# Traces after which the windows closed so far are finished: a kill costs no more than these.
_TRACES_AT_ONCE = 10_000
_BY_WINDOW = "transforms/gpu_calls_by_window.sql"


@dataclass(frozen=True, slots=True)
class _Window:
    """A stretch of time of a pool, under one rate."""

    pool: Pool
    begin: datetime
    end: datetime
    rate: Rate | None


class Closer:
    """Closes windows in a thread of its own.

    Args:
        store: the ledger.
        pools: the operator's.
        settle_traces: the settler's.
        now: the clock.
    """

    def __init__(
        self,
        store: Store,
        pools: Sequence[Pool],
        settle_traces: SettleTraces,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(timezone.utc),
    ) -> None:
        self._store = store
        self._pools = pools
        self._settle_traces = settle_traces
        self._now = now
        self._version = 0
        self._deep_at = 0.0
        self._owned = False
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin; does nothing where there are no pools."""
        if self._pools:
            self._thread = threading.Thread(target=self._run, name="spanledger-gpu", daemon=True)
            self._thread.start()

    def stop(self, timeout_seconds: float = 10.0) -> bool:
        """End the thread; returns whether it ended in time. What is not closed is closed later."""
        self._stopping.set()
        if self._thread is None:
            return True
        self._thread.join(timeout_seconds)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self.close_due()
            except CollectorError as error:
                _LOG.warning("windows of GPU pools are closed later: %s", error)
            except Exception:  # noqa: BLE001 -- told here; a thread that dies would close no more
                _LOG.exception("closing windows of GPU pools waits after an unexpected error")
            self._stopping.wait(_PASS_SECONDS)

    def close_due(self, *, deep: bool = False) -> int:
        """Close what is over and new or changed; returns how many windows were.

        Args:
            deep: look a week back; else some hours, and a week once an hour.

        Raises:
            CollectorError: the ledger does not answer; what was not closed is closed next time.
        """
        deep = deep or time.monotonic() >= self._deep_at
        until = self._now() - _GRACE
        since = until - (_VERY_LATE if deep else _LATE)
        with self._store.connect() as connection:
            closed = self._close(connection, since, until)
        if deep:
            self._deep_at = time.monotonic() + _DEEP_SECONDS
        return closed

    def _close(self, connection: Connection, since: datetime, until: datetime) -> int:
        since = datetime.fromtimestamp(
            since.timestamp() // _WINDOW.total_seconds() * _WINDOW.total_seconds(), timezone.utc
        )
        if not self._owned:
            write_owners(connection, self._pools)
            self._owned = True
        wanted = list(self._windows(_rates(connection), since, until))
        held = {
            (str(row["pool"]), cast("datetime", row["window_start"])): row
            for row in connection.rows(sql.read("transforms/gpu_closed.sql"), {"since": since})
        }
        told = self._told(connection, since, until)
        unfinished = Unfinished(connection, self._settle_traces)
        closed = 0
        for window in wanted:
            print_ = _fingerprint(window, self._told_of(window, told))
            row = held.pop((window.pool.name, window.begin), None)
            if row is None or row["fingerprint"] != print_ or row["window_end"] != window.end:
                self._close_one(window, print_, unfinished)
                closed += 1
            if len(unfinished.traces) >= _TRACES_AT_ONCE:
                unfinished.finish()
        stretches = [Stretch(one.pool, one.begin, one.end) for one in wanted]
        write_energy(connection, stretches, since, self._now())
        # What a pool that is no longer in the file was billed stays as it is.
        mine = {pool.name for pool in self._pools}
        for name, begin in held:
            if name in mine:
                unfinished.bury(name, begin, self._next_version())
                closed += 1
        unfinished.finish()
        return closed

    def _windows(
        self, rates: Mapping[str, Sequence[Rate]], since: datetime, until: datetime
    ) -> Iterator[_Window]:
        for pool in self._pools:
            begin, end = max(pool.up_from, since), min(pool.up_to, until)
            if begin >= end:
                continue
            of_pool = rates.get(pool.name, ())
            cuts = [moment for rate in of_pool for moment in (rate.valid_from, rate.valid_to)]
            cuts += self._edges(pool.serves.provider)
            stretches = windows(begin, end, _WINDOW, cuts)
            if stretches[-1][1] == until and until < pool.up_to:
                stretches.pop()  # still going on
            for one in stretches:
                yield _Window(pool, *one, _rate_at(of_pool, one[0]))

    def _edges(self, provider: str) -> list[datetime]:
        """When pools of a provider come and go: in between, the same ones are up (`_answered`)."""
        of_provider = [pool for pool in self._pools if pool.serves.provider == provider]
        return [moment for pool in of_provider for moment in (pool.up_from, pool.up_to)]

    def _told(
        self, connection: Connection, since: datetime, until: datetime
    ) -> Mapping[datetime, Sequence[Row]]:
        rows = connection.rows(
            sql.read(_BY_WINDOW),
            {
                "since": since,
                "until": until,
                "seconds": int(_WINDOW.total_seconds()),
                "providers": self._providers(),
            },
        )
        by_window: dict[datetime, list[Row]] = {}
        for row in rows:
            begin = datetime.fromtimestamp(cast("int", row["window_start"]), timezone.utc)
            by_window.setdefault(begin, []).append(row)
        return by_window

    def _told_of(self, window: _Window, told: Mapping[datetime, Sequence[Row]]) -> Sequence[Row]:
        """What was told of a window, of the calls that its pool answered."""
        seconds = _WINDOW.total_seconds()
        base = datetime.fromtimestamp(window.begin.timestamp() // seconds * seconds, timezone.utc)
        return [row for row in told.get(base, ()) if self._answered(window, row)]

    def _answered(self, window: _Window, row: Row) -> bool:
        """By the window's pool: of several that fit a call, the first in the file that is up."""
        fitting = (
            pool
            for pool in self._pools
            if pool.up_from <= window.begin < pool.up_to and _matches(pool, row)
        )
        return next(fitting, None) is window.pool

    def _providers(self) -> str:
        return "\n".join(sorted({pool.serves.provider for pool in self._pools}))

    def _close_one(self, window: _Window, fingerprint: int, unfinished: Unfinished) -> None:
        pool = window.pool
        rows = unfinished.connection.rows(
            sql.read("transforms/gpu_calls.sql"),
            {"since": window.begin, "until": window.end, "providers": pool.serves.provider},
        )
        calls = {name_of(row): row for row in rows if self._answered(window, row)}
        seen = [one for row in calls.values() for one in observations(row)]
        done = bill(seen, window.begin, window.end, pool.engine, window.rate)
        closed = Closed(pool, window.begin, window.end, done, self._next_version())
        unfinished.close(closed, list(calls.values()), fingerprint)

    def _next_version(self) -> int:
        self._version = max(time.time_ns(), self._version + 1)
        return self._version


def _rates(connection: Connection) -> Mapping[str, Sequence[Rate]]:
    rates: dict[str, list[Rate]] = {}
    for row in connection.rows(sql.read("transforms/gpu_rates.sql")):
        rates.setdefault(str(row["pool"]), []).append(
            Rate(
                str(row["price_id"]),
                cast("datetime", row["valid_from"]),
                cast("datetime", row["valid_to"]),
                Decimal(str(row["usd"])),
                cast("int", row["per_seconds"]),
            )
        )
    return rates


def _rate_at(rates: Sequence[Rate], moment: datetime) -> Rate | None:
    """The rate that holds: of several the one that began last, and of those the newest known."""
    holding = [rate for rate in rates if rate.valid_from <= moment < rate.valid_to]
    return holding[-1] if holding else None


def _fingerprint(window: _Window, rows: Sequence[Row]) -> int:
    """Of what a window is closed for: its calls, its rate, and what the pool is."""
    engine = window.pool.engine
    facts = (
        sum(cast("int", row["calls"]) for row in rows),
        sum(cast("int", row["fingerprint"]) for row in rows),
        window.rate.price_id if window.rate else "",
        engine.gpus,
        engine.replicas,
        engine.gpu.name if engine.gpu else "",
        engine.arch.name if engine.arch else "",
        engine.weight_format,
    )
    return int.from_bytes(hashlib.sha256(repr(facts).encode()).digest()[:8], "big")


def _matches(pool: Pool, row: Row) -> bool:
    return pool.serves.matches(str(row["provider"]), str(row["model"]), str(row["server"]))
