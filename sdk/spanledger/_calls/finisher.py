"""The thread that finishes spans whose end needs work: counting tokens, reading raw bodies.

Counting may load token ranks (300 ms on first use) and must not happen on the user's thread. A span
is handed over with its end time already taken, so its duration is the call's, not ours.

The queue is a ``SimpleQueue`` because a stream may be abandoned to the garbage collector, which can
run inside any lock of this thread: its ``put`` is safe there, a lock of ours would not be.

A fork waits for the running job: a child forked in the middle of one would inherit locks, such as
that of a half-imported module, which nobody there will ever open.

Work on many things at once (the 40,000 answers of a batch) comes in steps, between which all that
waits has its turn: the calls of the application are not held up by what it fetched.
"""

from __future__ import annotations

import functools
import os
import queue
import threading
import time
from collections.abc import Callable, Iterator
from typing import Final

from spanledger._guard import guarded

#: Jobs waiting at most; beyond that the caller does a cheaper job itself.
CAPACITY: Final = 1000
#: A fork waits this long for the running job at most (loading token ranks takes 0.3 s).
_FORK_WAIT_SECONDS: Final = 5.0

Job = Callable[[], None]
_DONE: Final = object()


class Finisher:
    """A queue of jobs and the daemon thread that runs them, started on first need.

    Args:
        capacity: jobs waiting at most.
        starting: called before the thread is started.
    """

    def __init__(
        self, capacity: int = CAPACITY, starting: Callable[[], None] | None = None
    ) -> None:
        self._starting = starting
        self._capacity = capacity
        self._start_afresh()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(
                before=self._hold,
                after_in_parent=self._let_go,
                after_in_child=self._start_afresh,
            )

    def _start_afresh(self) -> None:
        """Forget the queue and the thread: after a fork they belong to the parent."""
        self._jobs: queue.SimpleQueue[Job] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._working = threading.RLock()  # reentrant: a job may fork
        self._held = False
        self._stepping: set[int] = set()
        self._thread: threading.Thread | None = None

    def _hold(self) -> None:
        self._held = self._working.acquire(timeout=_FORK_WAIT_SECONDS)

    def _let_go(self) -> None:
        if self._held:
            self._working.release()

    def ensure_running(self) -> bool:
        """Start the thread if there is none; False when the interpreter is ending and has none."""
        if self._thread is not None and self._thread.is_alive():
            return True
        if self._starting is not None:
            self._starting()
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                thread = threading.Thread(
                    target=_run,
                    args=(self._jobs, self._working),
                    name="spanledger-finisher",
                    daemon=True,
                )
                try:
                    thread.start()
                except RuntimeError:
                    return False
                self._thread = thread
        return True

    def submit(self, job: Job) -> bool:
        """Queue a job; False when it is not taken: the queue is full, or nobody could do it."""
        if self._jobs.qsize() >= self._capacity or not self.ensure_running():
            return False
        self._jobs.put(job)
        return True

    def submit_steps(self, steps: Iterator[object]) -> bool:
        """Queue work that is done a step (``next``) at a time; False when nobody could do it.

        It is one job however long it is, so it is never refused for want of room.
        """
        if not self.ensure_running():
            return False
        self._stepping.add(id(steps))
        self._jobs.put(functools.partial(self._step, steps))
        return True

    def _step(self, steps: Iterator[object]) -> None:
        more = False
        try:
            more = next(steps, _DONE) is not _DONE
        finally:
            if more:
                self._jobs.put(functools.partial(self._step, steps))
            else:
                self._stepping.discard(id(steps))

    def submit_from_collector(self, job: Job) -> None:
        """Queue a job from a finaliser: takes no lock, starts no thread, is never refused.

        The thread was started when the stream was opened; if it is gone, :meth:`drain` runs it.
        """
        self._jobs.put(job)

    def drain(self, timeout_seconds: float) -> bool:
        """Wait until everything queued before now is done; False when the time is over first."""
        if self._thread is None or not self._thread.is_alive():
            return self._run_here(timeout_seconds)
        done = threading.Event()
        self._jobs.put(functools.partial(self._signal, done))
        return done.wait(timeout_seconds)

    def _signal(self, done: threading.Event) -> None:
        """Say that all is done, after the steps that are left."""
        if self._stepping:
            self._jobs.put(functools.partial(self._signal, done))
        else:
            done.set()

    def _run_here(self, timeout_seconds: float) -> bool:
        deadline = time.monotonic() + timeout_seconds
        while not self._jobs.empty():
            if time.monotonic() > deadline:
                return False
            _do(self._jobs.get())
        return True


def _run(jobs: queue.SimpleQueue[Job], working: threading.RLock) -> None:
    while True:
        job = jobs.get()
        with working:
            _do(job)
        del job  # a waiting thread keeps no span alive


@guarded(None)
def _do(job: Job) -> None:
    job()
