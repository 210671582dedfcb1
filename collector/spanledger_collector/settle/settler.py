"""The settler: a thread that settles each trace when it has been quiet for a moment.

It sleeps until :meth:`Settler.notify` says that something was loaded. What a pass does, and what
becomes of traces that fail, is told in :mod:`.passes`.

Freshness: with the default quiet second, a trace is settled 1 to 2 s after its last span was loaded
when little goes on, and within about 5 s under a steady trickle, where the thread rests between
passes. When many traces wait it does not rest. While idle it asks once in 10 s whether something
arrived. As often it looks whether traces are to be settled again (:mod:`.requested`): it settles
these between what arrives.
"""

import logging
import threading
import time
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from spanledger_collector.errors import CollectorError
from spanledger_collector.store import Store

from .aliases import Resolve
from .parked import ParkedTraces
from .passes import Passes

_LOG = logging.getLogger(__name__)
_IDLE_SECONDS = 10.0
_RETRY_SECONDS = 1.0
# Planning a pass costs the engine about 0.3 s, however few its traces. So a small pass is followed
# by a rest of so many times its length: a trickle of traces takes a tenth of one core. A pass over
# many traces is worth its planning, and more may wait: no rest.
_REST = 9.0
_MAX_REST_SECONDS = 3.0
_MANY_TRACES = 200
_SHORTEST_REST_SECONDS = 0.1


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
        self._quiet_seconds = quiet_seconds
        self._wake = threading.Event()
        self._look_at = float("-inf")
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._passes = Passes(
            store,
            journal_id=journal_id,
            resolve=resolve,
            book_id=book_id,
            hosts=hosts,
            quiet_seconds=quiet_seconds,
            max_wait_seconds=max_wait_seconds,
            interrupted=self._stopping.is_set,
        )

    def start(self) -> None:
        """Settle in a thread of its own until :meth:`stop`."""
        self._thread = threading.Thread(target=self._run, name="spanledger-settle", daemon=True)
        self._thread.start()

    def notify(self) -> None:
        """Something was loaded. Cheap; from any thread."""
        self._wake.set()

    def notify_requested(self) -> None:
        """Traces were asked to be settled again. Cheap; from any thread."""
        self._look_at = float("-inf")
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
        with self._passes.lock:
            try:
                if drain:
                    self.settle_due(everything=True, deadline=deadline)
                return not self.waiting()
            finally:
                self._passes.close()

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._wake.clear()
            started = time.monotonic()
            try:
                settled = self.settle_due() + self._settle_requested()
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
            if not self._stopping.wait(pause):
                # What is tried again later alone keeps nobody awake.
                resting = min(self._passes.resting_seconds(), _IDLE_SECONDS)
                if resting:
                    self._wake.wait(resting)

    def _settle_requested(self) -> int:
        """A piece of what is to be settled again; looks for the next at once, else in a while."""
        if self._stopping.is_set() or time.monotonic() < self._look_at:
            return 0
        self._look_at = time.monotonic() + _IDLE_SECONDS
        settled = self.settle_requested()
        if settled:
            self.notify_requested()
        return settled

    def _pause(self, settled: int, spent: float) -> float:
        """Seconds to rest after a pass over so many traces that took so long."""
        if settled >= _MANY_TRACES:
            return 0.0
        if settled:
            return min(spent * _REST, _MAX_REST_SECONDS)
        if self._passes.resting_seconds():
            return 0.0
        return max(self._quiet_seconds / 2, _SHORTEST_REST_SECONDS)

    def waiting(self) -> int:
        """Traces that arrived and are not settled yet."""
        return self._passes.waiting()

    @property
    def requested_traces(self) -> int:
        """Traces that are to be settled again, as they stood at the last look."""
        return self._passes.requested.left

    @property
    def settled_traces(self) -> int:
        """Traces settled since the start."""
        return self._passes.settled_traces

    @property
    def failed_traces(self) -> int:
        """Traces that could not be, since the start."""
        return self._passes.failed_traces

    @property
    def parked(self) -> ParkedTraces:
        """Traces that settling goes on without, and why."""
        return self._passes.parked

    def settle_due(self, *, everything: bool = False, deadline: float | None = None) -> int:
        """Settle the traces that are due now; see :meth:`Passes.settle_due`."""
        return self._passes.settle_due(everything=everything, deadline=deadline)

    def settle_requested(self) -> int:
        """Settle a piece of what was asked for; see :meth:`Passes.settle_requested`."""
        return self._passes.settle_requested()

    def settle_traces(self, traces: Iterable[tuple[str, str]]) -> int:
        """Settle these (workspace, trace id) pairs again; see :meth:`Passes.settle_traces`."""
        return self._passes.settle_traces(traces)
