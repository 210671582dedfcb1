"""The work of the settler: passes over the traces that are due, in groups, and what fails.

A group that fails is tried again in halves, after all others and the larger before the smaller, so
that one trace keeps back no other. Where the fault may pass, its traces stay due and are tried
again after pauses that grow; the one that goes on failing, or is over a limit by itself, is parked:
the cursor goes on past it (:mod:`.parked`). What has failed before comes after what has not, and
what was over a limit alone is never put into a group again.

Before a trace is blamed all statements are run over no trace. If that fails too the fault is the
database's or the program's, and all wait until it is mended. A trace that alone is refused is
parked too, for everybody to see, and left out until more of it arrives, somebody asks for it, or
the collector is started again: another version, or another server, may take it.
"""

import logging
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Final

from spanledger_collector.errors import (
    CollectorError,
    ConfigurationError,
    RetryableError,
    StoreUnavailableError,
)
from spanledger_collector.store import Connection, Store

from .aliases import Resolve, resolve_again, resolve_unseen, try_resolving
from .cursor import Cursor
from .due import DueTraces
from .parked import ParkedTraces
from .postponed import (
    LONGEST_PAUSE_OVER_LIMIT_SECONDS,
    LONGEST_PAUSE_SECONDS,
    Postponed,
    answers,
)
from .requested import Requested
from .searches import Searches
from .settlement import (
    TraceKey,
    begin,
    chunks,
    gather,
    late_rates,
    overtaken,
    run_steps,
    try_nothing,
)
from .turns import TurnTakenError

_LOG = logging.getLogger(__name__)
#: Bounds of one statement.
MAX_TRACES = 2500
MAX_SPANS = 50_000
_OVERLAP_SECONDS = 3.0
_SLOW_CODES = frozenset({159, 160})  # less at once may do
# Refused traces that are tried again at once after a start, and between so many and the next: each
# that is refused once more takes about a second, in which no other is settled.
_RETRIED_AT_ONCE = 50
_RETRY_PAUSE_SECONDS = 60.0
# How often a trace fails of what may pass before the cursor goes on without it.
_FAILURES_UNTIL_PARKED = 3
# Between two warnings that traces wait.
_TELL_SECONDS = 10.0
_OVERTAKEN: Final = "another settlement has changed what it counts"


class Passes:
    """Settles the traces of one journal when it is told to.

    Args:
        store: the open, migrated ledger.
        journal_id: whose arrivals are followed.
        resolve: asks the price book for a model id.
        book_id: the book behind ``resolve``; a new book is asked again about every id.
        hosts: host, or host:port -> who bills there, as the operator says.
        quiet_seconds: a trace is due when no span of it arrived for so long.
        max_wait_seconds: or when it waited so long in all.
        interrupted: whether to begin no more.
    """

    def __init__(
        self,
        store: Store,
        *,
        journal_id: str,
        resolve: Resolve,
        book_id: str,
        hosts: Mapping[str, str],
        quiet_seconds: float,
        max_wait_seconds: float,
        interrupted: Callable[[], bool],
    ) -> None:
        self._store = store
        self._resolve = resolve
        self._book_id = book_id
        self._hosts = dict(hosts)
        self._quiet_seconds = quiet_seconds
        self._max_wait_seconds = max_wait_seconds
        self._interrupted = interrupted
        #: Held while anything here is under way.
        self.lock = threading.RLock()
        self._connection: Connection | None = None
        self._due: DueTraces | None = None
        self.cursor = Cursor(journal_id)
        self.parked = ParkedTraces(journal_id)
        self.requested = Requested(journal_id)
        self._searches = Searches(journal_id)
        # Of the pass that is under way.
        self._overtaken: list[TraceKey] = []
        self._postponed: dict[TraceKey, Postponed] = {}
        self._refused: dict[TraceKey, str] = {}
        # Were over a limit by themselves, and are not settled since.
        self._large: set[TraceKey] = set()
        self._told_at = float("-inf")
        #: Traces settled since the start, and those that could not be.
        self.settled_traces = 0
        self.failed_traces = 0

    def waiting(self) -> int:
        """Traces that arrived and are not settled yet."""
        return 0 if self._due is None else len(self._due)

    def resting_seconds(self) -> float:
        """How long none of those that wait is to be tried; infinite where none waits."""
        with self.lock:
            until = math.inf if self._due is None else self._due.resting_until()
        return max(until - time.monotonic(), 0.0)

    def close(self) -> None:
        """Give the connection back."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def settle_due(self, *, everything: bool = False, deadline: float | None = None) -> int:
        """Settle the traces that are due now; returns how many were.

        Args:
            everything: also those that are not quiet yet.
            deadline: moment of the monotonic clock after which no more are begun; None = none,
                until it is interrupted.

        Raises:
            RetryableError: the ledger does not answer; nothing is lost, call again.
        """
        with self.lock:
            connection, due = self._open()
            self.cursor.observe(connection, due, time.monotonic())
            keys = due.due(time.monotonic(), all_of_them=everything)
            try:
                for chunk in self._settle(connection, keys):
                    self._done(connection, due, chunk)
                    if self._interrupted() if deadline is None else time.monotonic() >= deadline:
                        break
                else:
                    # What has no spans any more (dropped from the tables) is done as well.
                    self._done(connection, due, keys)
            finally:
                postponed = self._take_up(connection, due)
            self.cursor.save(connection, due.next_sequence())
            self._searches.search(connection, self.cursor.versions(), due, anew=bool(keys))
            return len(keys) - postponed

    def settle_traces(self, traces: Iterable[tuple[str, str]]) -> int:
        """Settle these (workspace, trace id) pairs again, now; returns how many had spans.

        Those that fail for now are parked at once: they arrived long ago, so that nobody would find
        them after a kill.

        Raises:
            RetryableError: the ledger does not answer, or there is no room to park what failed.
                They are due, but a kill forgets them: ask again.
        """
        keys = list(dict.fromkeys(TraceKey(*pair) for pair in traces))
        with self.lock:
            connection, due = self._open()
            try:
                settled = sum(
                    len(self._without_failed(chunk)) for chunk in self._settle(connection, keys)
                )
                self.parked.settled(connection, self._without_failed(keys))
            except RetryableError:
                due.again(time.monotonic(), keys)
                raise
            finally:
                again = [*self._postponed, *self._overtaken]
                self._take_up(connection, due, at_once=frozenset(keys))
            forgettable = [key for key in again if not self.parked.waits(key)]
            if forgettable:
                raise StoreUnavailableError(
                    f"{len(forgettable)} traces could not be settled again for now, and "
                    f"{len(self.parked)} are parked already"
                )
            return settled

    def settle_requested(self) -> int:
        """Settle a piece of what was asked to be settled again; returns how many traces.

        Raises:
            RetryableError: the ledger does not answer; the piece is settled when this is called
                again.
        """
        with self.lock:
            connection, _ = self._open()
            piece = self.requested.piece(connection, max_traces=MAX_TRACES, max_spans=MAX_SPANS)
            if piece is None:
                return 0
            self.settle_traces(piece.traces)
            self.requested.settled(connection, piece)
            return len(piece.traces)

    def _open(self) -> tuple[Connection, DueTraces]:
        if self._connection is None:
            self._connection = self._store.connect()
        if self._due is None:
            self._due = self._resume(self._connection)
        return self._connection, self._due

    def _resume(self, connection: Connection) -> DueTraces:
        resolve_again(connection, self._resolve, self._book_id)
        due = DueTraces(
            self.cursor.catch_up(connection),
            quiet_seconds=self._quiet_seconds,
            max_wait_seconds=self._max_wait_seconds,
            overlap_seconds=_OVERLAP_SECONDS,
        )
        found = self.parked.find(connection)
        now = time.monotonic()
        late = late_rates(connection)
        if late:
            _LOG.info("%d traces are settled again: their currencies have a rate now", len(late))
        due.again(now, late)
        refused = found["refused"]
        due.again(now, (*found["waits"], *refused))
        due.park((*found["waits"], *refused))
        for start in range(0, len(refused), _RETRIED_AT_ONCE):
            some = refused[start : start + _RETRIED_AT_ONCE]
            due.rest(some, now + start / _RETRIED_AT_ONCE * _RETRY_PAUSE_SECONDS)
        return due

    def _done(self, connection: Connection, due: DueTraces, keys: Sequence[TraceKey]) -> None:
        """These are settled, but for those that failed."""
        done = self._without_failed(keys)
        due.settled(done)
        self._large.difference_update(done)
        self.parked.settled(connection, done)

    def _without_failed(self, keys: Sequence[TraceKey]) -> list[TraceKey]:
        return [key for key in keys if key not in self._postponed and key not in self._refused]

    def _take_up(
        self, connection: Connection, due: DueTraces, at_once: Collection[TraceKey] = ()
    ) -> int:
        """What is settled once more: what another collector settled at the same time, what failed.

        Args:
            connection: of the calling thread.
            due: the traces that wait.
            at_once: traces that are parked when they fail once.

        Returns:
            How many traces failed and stay due.
        """
        now = time.monotonic()
        postponed = self._postponed
        due.again(now, self._overtaken)
        due.postpone(now, {key: why.longest_seconds for key, why in postponed.items()})
        waits = dict.fromkeys(self._overtaken, _OVERTAKEN) | {
            key: str(why.error)
            for key, why in postponed.items()
            if key in at_once or why.over_limit or due.failures(key) >= _FAILURES_UNTIL_PARKED
        }
        try:
            self.parked.keep(connection, "refused", self._refused)
            self.parked.keep(connection, "waits", waits)
        except CollectorError as error:
            _LOG.warning("%d traces hold up the cursor: %s", len(waits), error)
        due.park([key for key in (*postponed, *self._overtaken) if self.parked.waits(key)])
        due.settled([key for key in self._refused if self.parked.has(key)])
        # Without room to park them they hold the cursor, as those that wait do.
        unkept = [key for key in self._refused if not self.parked.has(key)]
        due.postpone(now, dict.fromkeys(unkept, LONGEST_PAUSE_SECONDS))
        if postponed and now >= self._told_at + _TELL_SECONDS:
            self._told_at = now
            *_, last = postponed.values()
            _LOG.warning("settling of %d traces waits: %s", len(postponed), last.error)
        self._overtaken, self._postponed, self._refused = [], {}, {}
        return len(postponed)

    def _settle(self, connection: Connection, keys: Sequence[TraceKey]) -> Iterable[list[TraceKey]]:
        if keys and not self._store.address.embedded:
            self.cursor.catch_up(connection)
        new: list[TraceKey] = []
        failed: list[TraceKey] = []
        large: list[TraceKey] = []
        for key in keys:
            (large if key in self._large else failed if self._failed(key) else new).append(key)
        for some, max_traces in ((new, MAX_TRACES), (failed, MAX_TRACES), (large, 1)):
            versions = self.cursor.versions()
            groups = chunks(connection, some, versions, max_traces=max_traces, max_spans=MAX_SPANS)
            yield from self._settle_groups(connection, groups)

    def _failed(self, key: TraceKey) -> bool:
        """Whether it could not be settled when it was tried last."""
        return self.parked.has(key) or (self._due is not None and self._due.failures(key) > 0)

    def _settle_groups(
        self, connection: Connection, groups: Iterable[list[TraceKey]]
    ) -> Iterable[list[TraceKey]]:
        """Settle these, then the halves of those that failed."""
        halves: deque[list[TraceKey]] = deque()
        for group in groups:
            if not self._settle_group(connection, group, halves, divided=False):
                yield group
        while halves:
            half = halves.popleft()
            if not self._settle_group(connection, half, halves, divided=True):
                yield half

    def _settle_group(
        self,
        connection: Connection,
        group: list[TraceKey],
        halves: deque[list[TraceKey]],
        *,
        divided: bool,
    ) -> bool:
        """Settle a group; returns whether it failed and its halves are to be tried."""
        version = next(self.cursor.versions())
        try:
            begin(connection, group, version)
            gather(connection, version, self._hosts)
            resolve_unseen(connection, version, self._resolve, self._book_id)
            if not self._store.address.embedded:
                self.cursor.tell_version(connection)
            run_steps(connection, version)
            self._overtaken += overtaken(connection, version)
        except TurnTakenError:
            raise  # it is nobody's fault: the traces wait
        except CollectorError as error:
            divide = self._failed_group(connection, group, error, divided=divided)
            middle = len(group) // 2
            halves.extend((group[:middle], group[middle:]) if divide else ())
            return divide
        self.settled_traces += len(group)
        return False

    def _failed_group(
        self, connection: Connection, group: list[TraceKey], error: CollectorError, *, divided: bool
    ) -> bool:
        """Whether to try its halves; otherwise its traces wait, or the one of it is refused."""
        passing = isinstance(error, RetryableError)
        over_limit = error.out_of_memory or error.clickhouse_code in _SLOW_CODES
        if passing and not answers(connection):
            raise error
        # Asked again of the one that is left, for the fault may have come meanwhile.
        if not passing and (not divided or len(group) == 1):
            reason = self._fault_of_none(connection, error)
            if reason is not None:
                self._postpone(group, Postponed(LONGEST_PAUSE_SECONDS, reason))
                return False
        # Other passing faults are seldom those of some traces: halved once a pass, not to the end.
        if len(group) > 1 and (over_limit or not (passing and divided)):
            return True
        if passing:
            longest = LONGEST_PAUSE_OVER_LIMIT_SECONDS if over_limit else LONGEST_PAUSE_SECONDS
            self._large.update(group if over_limit else ())
            self._postpone(group, Postponed(longest, error))
            return False
        self.failed_traces += 1
        self._refused[group[0]] = str(error)
        workspace, trace_id = group[0]
        told = "trace %s of workspace %s cannot be settled and is left out of the ledger: %s"
        _LOG.error(told, trace_id, workspace, error)
        return False

    def _postpone(self, group: list[TraceKey], why: Postponed) -> None:
        self._postponed.update(dict.fromkeys(group, why))

    def _fault_of_none(
        self, connection: Connection, error: CollectorError
    ) -> CollectorError | None:
        """What fails whatever is settled, where that is so."""
        if isinstance(error, ConfigurationError):
            return error
        try:
            version = next(self.cursor.versions())
            try_nothing(connection, version, self._hosts)
            try_resolving(connection, version, self._book_id)
            if not self._store.address.embedded:
                self.cursor.try_telling(connection)
        except CollectorError as reason:
            return reason
        return None
