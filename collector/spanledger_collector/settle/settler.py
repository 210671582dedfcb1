"""The settler: a thread that settles each trace when it has been quiet for a moment.

It sleeps until :meth:`Settler.notify` says that something was loaded. A settlement that fails is
tried again in halves, so that one trace that cannot be settled keeps back no other; a trace that is
refused for good is logged, counted in :attr:`Settler.failed_traces` and left out until more of it
arrives or somebody asks for it by :meth:`Settler.settle_traces`. Where the fault may pass (too many
parts, a full disk, a connection reset) the trace stays due, also over a restart, and is tried again
after pauses that grow.

Freshness: with the default quiet second, a trace is settled 1 to 2 s after its last span was loaded
when little goes on, and within about 5 s under a steady trickle, where the thread rests between
passes. When many traces wait it does not rest. While idle it asks once in 10 s whether something
arrived.
"""

import logging
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import cast

from spanledger_collector import sql
from spanledger_collector.errors import CollectorError, RetryableError
from spanledger_collector.store import Connection, Store

from .aliases import Resolve, resolve_again, resolve_unseen
from .due import Arrival, DueTraces
from .settlement import TraceKey, begin, chunks, gather, overtaken, run_steps
from .turns import TurnTakenError

_LOG = logging.getLogger(__name__)
#: Bounds of one statement.
MAX_TRACES = 2500
MAX_SPANS = 50_000
_READ_ARRIVALS = 50_000
_OVERLAP_SECONDS = 3.0
_IDLE_SECONDS = 10.0
_RETRY_SECONDS = 1.0
# Planning a pass costs the engine about 0.3 s, however few its traces. So a small pass is followed
# by a rest of so many times its length: a trickle of traces takes a tenth of one core. A pass over
# many traces is worth its planning, and more may wait: no rest.
_REST = 9.0
_MAX_REST_SECONDS = 3.0
_MANY_TRACES = 200
_SHORTEST_REST_SECONDS = 0.1
# Too slow, too much memory: less at once may do.
_LIMIT_CODES = frozenset({159, 160, 241})
# Longest pause before a trace is tried again; one that is over a limit by itself costs much each
# time.
_LONGEST_PAUSE_SECONDS = 60.0
_LONGEST_PAUSE_OVER_LIMIT_SECONDS = 600.0
# Between two warnings that traces wait.
_TELL_SECONDS = 10.0


class Settler:
    """Settles the traces of one journal; see the module.

    Args:
        store: the open, migrated ledger.
        journal_id: whose arrivals are followed.
        resolve: asks the price book for a model id.
        book_id: the book behind ``resolve``; a new book is asked again about every id.
        hosts: host, or host:port -> who bills there, as the operator says.
        quiet_seconds: a trace is settled when no span of it arrived for so long.
        max_wait_seconds: or when it waited so long in all.
    """

    def __init__(
        self,
        store: Store,
        *,
        journal_id: str,
        resolve: Resolve,
        book_id: str,
        hosts: Mapping[str, str] = MappingProxyType({}),
        quiet_seconds: float = 1.0,
        max_wait_seconds: float = 30.0,
    ) -> None:
        self._store = store
        self._journal_id = journal_id
        self._resolve = resolve
        self._book_id = book_id
        self._hosts = dict(hosts)
        self._quiet_seconds = quiet_seconds
        self._max_wait_seconds = max_wait_seconds
        self._lock = threading.RLock()
        self._connection: Connection | None = None
        self._due: DueTraces | None = None
        self._version = 0
        self._saved_sequence = -1
        # Our cursor as it stands in the ledger.
        self._stored_sequence = 0
        self._overtaken: list[TraceKey] = []
        # Trace that could not be settled for now -> its longest pause; what the last one failed of.
        self._postponed: dict[TraceKey, float] = {}
        self._passing_fault: CollectorError | None = None
        self._told_at = float("-inf")
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        #: Traces settled since the start, and those that could not be.
        self.settled_traces = 0
        self.failed_traces = 0

    # --- the thread -----------------------------------------------------------------------------
    def start(self) -> None:
        """Settle in a thread of its own until :meth:`stop`."""
        self._thread = threading.Thread(target=self._run, name="spanledger-settle", daemon=True)
        self._thread.start()

    def notify(self) -> None:
        """Something was loaded. Cheap; from any thread."""
        self._wake.set()

    @property
    def running(self) -> bool:
        """The thread lives; after :meth:`stop` that means a statement that does not end."""
        return self._thread is not None and self._thread.is_alive()

    def stop(self, *, drain: bool = True, timeout_seconds: float = 30.0) -> bool:
        """End the thread.

        Args:
            drain: settle everything that is loaded first, quiet or not.
            timeout_seconds: longest to wait for that; a statement that runs is waited for so long
                once more, and what is left is settled after the next start.

        Returns:
            Whether nothing was left.

        Raises:
            CollectorError: draining failed; what is left is settled after the next start.
        """
        deadline = time.monotonic() + timeout_seconds
        self._stopping.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(timeout_seconds)
            if self._thread.is_alive():
                return False
            self._thread = None
        with self._lock:
            try:
                if drain:
                    self.settle_due(everything=True, deadline=deadline)
                return not self.waiting()
            finally:
                if self._connection is not None:
                    self._connection.close()
                    self._connection = None

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._wake.clear()
            started = time.monotonic()
            try:
                settled = self.settle_due()
            except CollectorError as error:
                _LOG.warning("settling waits %.0f s: %s", _RETRY_SECONDS, error)
                self._stopping.wait(_RETRY_SECONDS)
                continue
            except Exception:  # noqa: BLE001 -- told here; a thread that dies would settle no more
                _LOG.exception("settling waits %.0f s after an unexpected error", _RETRY_SECONDS)
                self._stopping.wait(_RETRY_SECONDS)
                continue
            pause = self._pause(settled, time.monotonic() - started)
            # Asked after the wake-up was cleared, so that a stop in between is not slept over.
            if not self._stopping.wait(pause) and not self.waiting():
                self._wake.wait(_IDLE_SECONDS)

    def _pause(self, settled: int, spent: float) -> float:
        """Seconds to rest after a pass over so many traces that took so long."""
        if settled >= _MANY_TRACES:
            return 0.0
        if settled:
            return min(spent * _REST, _MAX_REST_SECONDS)
        return max(self._quiet_seconds / 2, _SHORTEST_REST_SECONDS) if self.waiting() else 0.0

    def waiting(self) -> int:
        """Traces that arrived and are not settled yet."""
        return 0 if self._due is None else len(self._due)

    # --- the work -------------------------------------------------------------------------------
    def settle_due(self, *, everything: bool = False, deadline: float | None = None) -> int:
        """Settle the traces that are due now; returns how many were.

        Args:
            everything: also those that are not quiet yet.
            deadline: moment of the monotonic clock after which no more are begun; None = none,
                until the settler is stopped.

        Raises:
            RetryableError: the ledger does not answer; nothing is lost, call again.
        """
        with self._lock:
            connection = self._open()
            due = self._resume(connection) if self._due is None else self._due
            self._observe(connection, due)
            keys = due.due(time.monotonic(), all_of_them=everything)
            try:
                for chunk in self._settle(connection, keys):
                    due.settled(self._done(chunk))
                    if self._interrupted(deadline):
                        break
                else:
                    # What has no spans any more (dropped from the tables) is done as well.
                    due.settled(self._done(keys))
            finally:
                postponed = self._take_up(due)
            self._save(connection, due.next_sequence())
            return len(keys) - postponed

    def _interrupted(self, deadline: float | None) -> bool:
        if deadline is None:
            return self._stopping.is_set()
        return time.monotonic() >= deadline

    def settle_traces(self, traces: Iterable[tuple[str, str]]) -> int:
        """Settle these (workspace, trace id) pairs again, now; returns how many had spans.

        Raises:
            RetryableError: the ledger does not answer; they are due then.
        """
        keys = list(dict.fromkeys(TraceKey(*pair) for pair in traces))
        with self._lock:
            connection = self._open()
            due = self._resume(connection) if self._due is None else self._due
            try:
                return sum(len(self._done(chunk)) for chunk in self._settle(connection, keys))
            except RetryableError:
                due.again(time.monotonic(), keys)
                raise
            finally:
                self._take_up(due)

    def _done(self, keys: Sequence[TraceKey]) -> list[TraceKey]:
        return [key for key in keys if key not in self._postponed]

    def _take_up(self, due: DueTraces) -> int:
        """What is settled once more: what another collector settled at the same time, what failed.

        Returns:
            How many traces failed and stay due.
        """
        now = time.monotonic()
        due.again(now, self._overtaken)
        self._overtaken.clear()
        postponed = len(self._postponed)
        due.postpone(now, self._postponed)
        self._postponed.clear()
        if postponed and now >= self._told_at + _TELL_SECONDS:
            self._told_at = now
            _LOG.warning("settling of %d traces waits: %s", postponed, self._passing_fault)
        return postponed

    def _settle(self, connection: Connection, keys: Sequence[TraceKey]) -> Iterable[list[TraceKey]]:
        if keys and not self._store.address.embedded:
            self._catch_up(connection)
        groups = chunks(
            connection, keys, self._versions(), max_traces=MAX_TRACES, max_spans=MAX_SPANS
        )
        for chunk in groups:
            self._settle_chunk(connection, chunk)
            yield chunk

    def _versions(self) -> Iterator[int]:
        """Growing numbers, also when the clock goes back; nanoseconds, to be told apart by eye."""
        while True:
            self._version = max(time.time_ns(), self._version + 1)
            yield self._version

    def _settle_chunk(
        self, connection: Connection, chunk: list[TraceKey], *, divided: bool = False
    ) -> None:
        version = next(self._versions())
        try:
            begin(connection, chunk, version)
            gather(connection, version, self._hosts)
            resolve_unseen(connection, version, self._resolve, self._book_id)
            if not self._store.address.embedded:
                self._store_cursor(connection, self._stored_sequence)
            run_steps(connection, version)
            self._overtaken += overtaken(connection, version)
        except TurnTakenError:
            raise  # it is nobody's fault: the traces wait
        except CollectorError as error:
            self._settle_halves(connection, chunk, error, divided=divided)
        else:
            self.settled_traces += len(chunk)

    def _settle_halves(
        self, connection: Connection, chunk: list[TraceKey], error: CollectorError, *, divided: bool
    ) -> None:
        passing = isinstance(error, RetryableError)
        over_limit = error.clickhouse_code in _LIMIT_CODES
        if passing and not _answers(connection):
            raise error
        # Other passing faults are seldom those of some traces: halved once a pass, not to the end.
        if len(chunk) > 1 and (over_limit or not (passing and divided)):
            middle = len(chunk) // 2
            self._settle_chunk(connection, chunk[:middle], divided=True)
            self._settle_chunk(connection, chunk[middle:], divided=True)
            return
        if passing:
            longest = _LONGEST_PAUSE_OVER_LIMIT_SECONDS if over_limit else _LONGEST_PAUSE_SECONDS
            self._postponed.update(dict.fromkeys(chunk, longest))
            self._passing_fault = error
            return
        self.failed_traces += 1
        _LOG.error(
            "trace %s of workspace %s cannot be settled and is left out of the ledger: %s",
            chunk[0].trace_id,
            chunk[0].workspace,
            error,
        )

    # --- the cursor -----------------------------------------------------------------------------
    def _open(self) -> Connection:
        if self._connection is None:
            self._connection = self._store.connect()
        return self._connection

    def _resume(self, connection: Connection) -> DueTraces:
        resolve_again(connection, self._resolve, self._book_id)
        next_sequence = self._catch_up(connection)
        self._due = DueTraces(
            next_sequence,
            quiet_seconds=self._quiet_seconds,
            max_wait_seconds=self._max_wait_seconds,
            overlap_seconds=_OVERLAP_SECONDS,
        )
        return self._due

    def _catch_up(self, connection: Connection) -> int:
        """Follow the versions of collectors whose clocks are ahead; returns our cursor."""
        (row,) = connection.rows(
            sql.read("transforms/last_settlement.sql"), {"journal_id": self._journal_id}
        )
        self._version = max(self._version, cast("int", row["version"]))
        self._stored_sequence = cast("int", row["next_sequence"])
        return self._stored_sequence

    def _observe(self, connection: Connection, due: DueTraces) -> None:
        now = time.monotonic()
        sequence = due.read_from(now)
        while True:
            arrivals = self._read_arrivals(connection, sequence)
            due.observe(now, arrivals)
            if len(arrivals) < _READ_ARRIVALS:
                return
            sequence = arrivals[-1].sequence + 1

    def _read_arrivals(self, connection: Connection, from_sequence: int) -> list[Arrival]:
        rows = connection.rows(
            sql.read("transforms/arrived_traces.sql"),
            {
                "journal_id": self._journal_id,
                "from_sequence": from_sequence,
                "limit": _READ_ARRIVALS,
            },
        )
        return [
            Arrival(
                cast("int", row["sequence"]),
                TraceKey(str(row["workspace"]), str(row["trace_id"])),
                cast("int", row["span_count"]),
            )
            for row in rows
        ]

    def _save(self, connection: Connection, next_sequence: int) -> None:
        if next_sequence == self._saved_sequence:
            return
        self._store_cursor(connection, next_sequence)
        self._saved_sequence = self._stored_sequence = next_sequence

    def _store_cursor(self, connection: Connection, next_sequence: int) -> None:
        """With the version: collectors whose clocks are behind give out higher ones from then."""
        connection.insert_rows(
            "settlements",
            ("journal_id", "next_sequence", "version"),
            [(self._journal_id, next_sequence, self._version)],
        )


def _answers(connection: Connection) -> bool:
    """Whether the ledger itself is well, so that the fault lies with what was asked."""
    try:
        connection.execute("SELECT 1")
    except CollectorError:
        return False
    return True
