"""The span processor that delivers: a bounded queue, one background thread, retries with back-off.

``on_end`` only appends to the queue (a few microseconds, no I/O, no waiting). The thread starts at
the first span, lingers for company, sends, and on a passing failure puts the batch back to the
front and waits (exponential, with jitter, or what the collector asked for), as long as the queue
has room. A batch that a collector which is there keeps giving no whole answer to may be what hangs
it: it is given up after ``give_up_seconds``. One that the collector finds faulty is halved until
the faulty spans stand alone. Nothing is lost without being counted.

A forked child starts empty with its own queue, thread and connections; what was unsent stays with
the parent. With a spool (``spool.py``) spans of money are on disk until they are delivered, and
what was left there is sent first. The end of the process waits at most ``exit_timeout_seconds``.
"""

from __future__ import annotations

import itertools
import os
import queue
import random
import sys
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from opentelemetry.context import (
    _SUPPRESS_INSTRUMENTATION_KEY,  # pyright: ignore[reportPrivateUsage] -- the only name of this switch
    Context,
    attach,
    detach,
    set_value,
)
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor

from spanledger._delivery.backlog import Backlog, Delivery, Kept, Queued
from spanledger._delivery.notices import Notices
from spanledger._delivery.sender import Attempt, Outcome, Sender
from spanledger.config import Settings

if TYPE_CHECKING:  # needs a system with file locks
    from spanledger._delivery.spooled_spans import SpanSpool

_FIRST_WAIT_SECONDS: Final = 0.5
_MAX_WAIT_SECONDS: Final = 30.0
#: At the end of the process: pause between tries, and tries at a collector that is not there.
_CLOSING_WAIT_SECONDS: Final = 0.2
_CLOSING_UNREACHABLE_TRIES: Final = 2
#: Requests spent on halving one faulty batch.
_MAX_SPLITS: Final = 32
_PASSING: Final = frozenset({Outcome.UNREACHABLE, Outcome.BUSY, Outcome.UNANSWERED})


class DeliveryProcessor(SpanProcessor):
    """Delivers finished, sampled spans to the collector.

    Args:
        settings: Queue, batch and time limits.
        make_sender: Makes the connection; called in the background thread, once a process.
        before_exit: Ends spans that are still open where a process leaves without atexit; takes
            the seconds it may use.
        spool: Keeps spans of money on disk until they are delivered.
    """

    def __init__(
        self,
        settings: Settings,
        make_sender: Callable[[], Sender],
        before_exit: Callable[[float], object] | None = None,
        spool: SpanSpool | None = None,
    ) -> None:
        self._settings = settings
        self._make_sender = make_sender
        self._before_exit = before_exit
        self._spool = spool
        self._worker = _Worker(settings, make_sender, before_exit, spool)
        self._retired = False
        if spool is not None and spool.has_orphans():
            self._worker.start()
        if hasattr(os, "register_at_fork"):
            reset = weakref.WeakMethod(self._after_fork)

            def after_in_child() -> None:
                if method := reset():
                    method()

            os.register_at_fork(after_in_child=after_in_child)

    def _after_fork(self) -> None:
        if self._spool is not None:
            self._spool.forget()
        self._worker = _Worker(self._settings, self._make_sender, self._before_exit, self._spool)

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Nothing: only finished spans are sent."""

    def on_end(self, span: ReadableSpan) -> None:
        """Queue the span; one of money is on disk first, where there is a spool."""
        if span.context is not None and span.context.trace_flags.sampled and not self._retired:
            self._worker.add(span, self._spool.keep(span) if self._spool is not None else None)

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Wait until every span that ended before this call has been dealt with.

        Returns:
            False when the time ran out first.
        """
        return self._worker.flush(timeout_millis / 1000)

    def shutdown(self) -> None:
        """Send what is left, for at most ``exit_timeout_seconds``; later spans are counted lost."""
        self._worker.close(self._settings.exit_timeout_seconds)

    def retire(self) -> None:
        """Ignore spans from now on: another processor has taken over (a provider forgets none)."""
        self._retired = True

    def delivery(self) -> Delivery:
        """The counts of this process."""
        return self._worker.backlog.counts()


class _Worker:
    """The queue and the thread of one process."""

    def __init__(
        self,
        settings: Settings,
        make_sender: Callable[[], Sender],
        before_exit: Callable[[float], object] | None,
        spool: SpanSpool | None,
    ) -> None:
        self._spool = spool
        self._before_exit = before_exit
        self.backlog = Backlog(settings.queue_size, settings.batch_size, settings.queue_bytes)
        self._settings = settings
        self._make_sender = make_sender
        self._sender: Sender | None = None
        self._notices = Notices(settings.endpoint)
        # SimpleQueue.put may be called from finalisers and signal handlers; Event.set may not.
        self._wake: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._progress = threading.Condition()
        self._starting = threading.RLock()
        self._thread: threading.Thread | None = None
        #: Held by whoever sends, to the end: a thread, or who closes where there is none.
        self._sending = threading.Lock()
        self._flush_target = 0
        self._closing = False
        self._deadline = float("inf")
        self._failures = 0
        self._hanging_since: float | None = None
        #: Whether what is left on disk may be sent: the latest request was taken.
        self._healthy = True
        self._adopted: deque[tuple[ReadableSpan, Kept]] = deque()

    # --- the user's threads ---------------------------------------------------------------------
    def add(self, span: ReadableSpan, kept: Kept | None) -> None:
        if not self.backlog.add(span, kept):
            return
        if self._closing:
            self._notices.losses(self.backlog.counts())
            return
        if self._thread is None:
            self.start()
        self._wake.put(None)

    def start(self) -> None:
        with self._starting:
            if self._thread is not None:
                return
            # Known before it runs: a signal's handler may end a span in the middle of the start.
            self._thread = threading.Thread(
                target=self._run, name="spanledger-delivery", daemon=True
            )
            try:
                _at_child_exit(self._last_act)
                self._thread.start()
            except BaseException as error:
                self._thread = None
                if not isinstance(error, RuntimeError):
                    raise  # a handler's; should the thread run all the same, the next one ends
                # The interpreter is ending and starts no threads: close() sends itself.

    def flush(self, timeout_seconds: float) -> bool:
        deadline = time.monotonic() + timeout_seconds
        target = self.backlog.counts().accepted
        if self.backlog.waiting() and self._thread is None:
            self.start()
        self._flush_target = target
        self._wake.put(None)
        with self._progress:
            while self.backlog.accounted() < target:
                left = deadline - time.monotonic()
                if left <= 0 or self._thread is None:
                    return False
                # Overflow also accounts for spans and tells nobody, so look again now and then.
                self._progress.wait(min(left, 0.1))
        return True

    def close(self, timeout_seconds: float) -> None:
        if self._closing:
            return
        self._deadline = time.monotonic() + timeout_seconds
        self._closing = True
        self._wake.put(None)
        # Free where there is no thread, and when the thread has sent what it could.
        if self._sending.acquire(timeout=timeout_seconds):
            self._drain()
        self.backlog.close()
        self._notices.losses(self.backlog.counts(), final=True)
        if self._spool is not None:
            self._notices.kept(self._spool.left(), self._spool.folder)
            self._spool.close()

    def _last_act(self) -> None:
        if self._before_exit is not None:
            self._before_exit(self._settings.exit_timeout_seconds)
        self.close(self._settings.exit_timeout_seconds)

    # --- the background thread ------------------------------------------------------------------
    def _run(self) -> None:
        if not self._sending.acquire(blocking=False):
            return
        try:
            while not self._closing:
                if not self._adopt():
                    self._linger()
                batch = self.backlog.take()
                if batch and (attempt := self._deliver(batch)).outcome in _PASSING:
                    self._flush_target = 0
                    self._back_off(attempt)
            self._drain()
        finally:
            self._sending.release()

    def _adopt(self) -> bool:
        """Queue what was left on disk, at most a batch; True when there was something."""
        if self._spool is None or not self._healthy or self.backlog.full_batch():
            return False
        if not self._adopted:
            self._adopted.extend(self._spool.adopt())
        adopting = bool(self._adopted)
        while self._adopted and not self.backlog.full_batch():
            self.backlog.add(*self._adopted.popleft())
        return adopting

    def _next_batch(self) -> list[Queued]:
        self._adopt()
        return self.backlog.take()

    def _in_a_hurry(self) -> bool:
        return self._closing or self.backlog.accounted() < self._flush_target

    def _linger(self) -> None:
        """Wait for a span, then for company, unless somebody is in a hurry or waited already."""
        if not self.backlog.waiting() and not self._closing:
            self._wake.get()
        deadline = time.monotonic() + self._settings.schedule_delay_seconds
        while not (self._in_a_hurry() or self._failures or self.backlog.full_batch()):
            if not self._woken_before(deadline):
                return

    def _back_off(self, attempt: Attempt) -> None:
        """Wait before the next try; a flush or the end cuts it short."""
        ceiling = min(_FIRST_WAIT_SECONDS * 2 ** min(self._failures - 1, 16), _MAX_WAIT_SECONDS)
        wait = attempt.retry_after_seconds or random.uniform(ceiling / 2, ceiling)  # noqa: S311 -- jitter
        deadline = time.monotonic() + wait
        while not self._in_a_hurry() and self._woken_before(deadline):
            self._notices.losses(self.backlog.counts())

    def _woken_before(self, deadline: float) -> bool:
        """True when a wake-up came, False when the time is over."""
        try:
            self._wake.get(timeout=max(deadline - time.monotonic(), 0))
        except queue.Empty:
            return False
        return True

    def _drain(self) -> None:
        """The end: short pauses, and no long siege of a collector that is not there."""
        unreachable = 0
        while batch := self._next_batch():
            attempt = self._deliver(batch)
            unreachable += attempt.outcome is Outcome.UNREACHABLE
            left = self._deadline - time.monotonic()
            if left <= 0 or unreachable >= _CLOSING_UNREACHABLE_TRIES:
                break
            if attempt.outcome in _PASSING:
                time.sleep(min(attempt.retry_after_seconds or _CLOSING_WAIT_SECONDS, left))
        sender, self._sender = self._sender, None
        if sender is not None:
            sender.close()

    def _deliver(self, batch: list[Queued]) -> Attempt:
        """Send a batch, in parts if it is found faulty; returns the last request's result."""
        parts = deque([batch])
        splits = 0
        attempt = Attempt(Outcome.DELIVERED)
        while parts:
            part = parts.popleft()
            attempt = self._try(part)
            if attempt.outcome is Outcome.DELIVERED:
                self.backlog.sent(part, attempt.rejected_spans)
                _settle(part)
            elif self._worth_keeping(attempt):
                self.backlog.put_back([*part, *itertools.chain(*parts)], attempt.reason)
                break
            elif _is_divided(attempt, part) and splits < _MAX_SPLITS:
                splits += 1
                middle = len(part) // 2
                parts.extendleft((part[middle:], part[:middle]))
                self.backlog.split(attempt.reason)
            else:
                at_fault = attempt.outcome is Outcome.BAD_BATCH and len(part) == 1
                self.backlog.failed(part, attempt.reason, at_fault=at_fault)
                if at_fault:
                    _settle(part)
        self._tell(attempt)
        return attempt

    def _try(self, part: list[Queued]) -> Attempt:
        token = attach(set_value(_SUPPRESS_INSTRUMENTATION_KEY, value=True))
        try:
            if self._sender is None:
                self._sender = self._make_sender()
            return self._sender.send([queued.span for queued in part])
        except Exception as error:  # noqa: BLE001 -- the thread must not die; told as the reason
            return Attempt(Outcome.REFUSED, f"{type(error).__name__}: {error}")
        finally:
            detach(token)

    def _worth_keeping(self, attempt: Attempt) -> bool:
        """Whether the spans stay: a passing failure, unless the batch may be its cause."""
        if attempt.outcome not in _PASSING:
            self._failures, self._hanging_since = 0, None
            return False
        self._failures += 1
        if attempt.outcome is not Outcome.UNANSWERED:
            self._hanging_since = None
            return True
        now = time.monotonic()
        if self._hanging_since is None:
            self._hanging_since = now
        if now - self._hanging_since <= self._settings.give_up_seconds:
            return True
        self._hanging_since = None
        return False

    def _tell(self, attempt: Attempt) -> None:
        if attempt.outcome is Outcome.DELIVERED:
            self._failures, self._hanging_since = 0, None
        self._healthy = attempt.outcome is Outcome.DELIVERED
        counts = self.backlog.counts()
        self._notices.attempt(attempt, counts)
        self._notices.losses(counts)
        with self._progress:
            self._progress.notify_all()


def _is_divided(attempt: Attempt, part: Sequence[Queued]) -> bool:
    """Whether halves of this part are tried, to find what is at fault."""
    return attempt.outcome is Outcome.BAD_BATCH and len(part) > 1


def _settle(part: Sequence[Queued]) -> None:
    for queued in part:
        if queued.kept is not None:
            queued.kept.settle()


def _at_child_exit(action: Callable[[], None]) -> None:
    """Act at the end of a child of multiprocessing or Celery, which may leave without atexit."""
    multiprocessing = sys.modules.get("multiprocessing")
    if multiprocessing is not None and multiprocessing.parent_process() is not None:
        from multiprocessing.util import Finalize

        Finalize(None, action, exitpriority=1)
    celery = sys.modules.get("celery.signals")
    if celery is not None:
        process = os.getpid()

        def act(**_: object) -> None:
            if os.getpid() == process:  # a child inherits its parent's as well
                action()

        celery.worker_process_shutdown.connect(act, weak=False)
