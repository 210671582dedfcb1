"""Group commit: many waiting requests share one write and one sync.

A group goes to disk when it has ``MAX_RECORDS`` records or ``MAX_BYTES`` bytes, or when its first
request has waited ``linger_seconds``, whichever comes first.
"""

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from spanledger_collector.errors import CollectorError, JournalUnavailableError
from spanledger_collector.journal.record import Record

MAX_RECORDS = 64
MAX_BYTES = 4 * 1024 * 1024
LINGER_SECONDS = 0.005

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Waiter:
    """A record that waits for the disk, and the coroutine that waits for it."""

    record: Record
    since: float
    loop: asyncio.AbstractEventLoop
    future: "asyncio.Future[int]"


class Committer:
    """One thread that writes groups.

    Args:
        write: makes a group durable and returns its sequences, or raises a CollectorError.
        linger_seconds: longest a record waits for company.
    """

    def __init__(
        self,
        write: Callable[[Sequence[Record]], list[int]],
        linger_seconds: float = LINGER_SECONDS,
    ) -> None:
        self._write = write
        self._linger_seconds = linger_seconds
        self._queue: deque[_Waiter] = deque()
        self._queued_bytes = 0
        self._closing = False
        self._wake = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="journal-commit", daemon=True)
        self._thread.start()

    @property
    def queued_bytes(self) -> int:
        """Payload bytes that wait for the disk."""
        return self._queued_bytes

    def submit(self, record: Record) -> "asyncio.Future[int]":
        """Queue a record; the future gives its sequence once it is durable.

        Must be called from a running event loop.

        Raises:
            JournalUnavailableError: the journal is closed.
        """
        loop = asyncio.get_running_loop()
        waiter = _Waiter(record, time.monotonic(), loop, loop.create_future())
        with self._wake:
            if self._closing:
                raise JournalUnavailableError("The journal is closed: the collector is stopping.")
            self._queue.append(waiter)
            self._queued_bytes += len(record.payload)
            if len(self._queue) == 1 or self._is_full():
                self._wake.notify()
        return waiter.future

    def close(self) -> None:
        """Write what is queued, then end the thread."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        self._thread.join()

    def _is_full(self) -> bool:
        return len(self._queue) >= MAX_RECORDS or self._queued_bytes >= MAX_BYTES

    def _run(self) -> None:
        while group := self._next_group():
            outcome: list[int] | Exception
            try:
                outcome = self._write([waiter.record for waiter in group])
            except CollectorError as error:
                outcome = error
            except Exception as error:  # noqa: BLE001 - whoever waits must be told, whatever it was
                _log.exception("the journal's commit failed unexpectedly")
                outcome = error
            _answer(group, outcome)

    def _next_group(self) -> list[_Waiter]:
        """Wait for a group; empty once closed and drained."""
        with self._wake:
            self._wake.wait_for(lambda: self._queue or self._closing)
            if not self._queue:
                return []
            left = self._queue[0].since + self._linger_seconds - time.monotonic()
            self._wake.wait_for(lambda: self._is_full() or self._closing, timeout=max(0.0, left))
            return self._take()

    def _take(self) -> list[_Waiter]:
        group: list[_Waiter] = []
        size = 0
        while self._queue and len(group) < MAX_RECORDS:
            length = len(self._queue[0].record.payload)
            if group and size + length > MAX_BYTES:
                break
            group.append(self._queue.popleft())
            size += length
        self._queued_bytes -= size
        return group


def _answer(group: Sequence[_Waiter], outcome: list[int] | Exception) -> None:
    """Resolve the futures of a group, with one call into each event loop."""
    loops = {waiter.loop for waiter in group}
    for loop in loops:
        results = [
            (waiter.future, outcome if isinstance(outcome, Exception) else outcome[index])
            for index, waiter in enumerate(group)
            if waiter.loop is loop
        ]
        try:
            loop.call_soon_threadsafe(_resolve, results)
        except RuntimeError:
            _log.debug("the event loop ended before its records were acknowledged")


def _resolve(results: Sequence[tuple["asyncio.Future[int]", int | Exception]]) -> None:
    for future, outcome in results:
        # A request that was cancelled meanwhile waits no more; its record stays.
        if future.done():
            continue
        if isinstance(outcome, Exception):
            future.set_exception(outcome)
        else:
            future.set_result(outcome)
