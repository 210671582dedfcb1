"""The bounded queue of finished spans, with exact counts of what became of each of them.

At any moment ``accepted = sent + rejected + failed + dropped + pending``. When the queue is full
the oldest span goes, and is counted. The lock is reentrant on purpose: a span can end inside a
finaliser or a signal handler that interrupts this very thread while it holds the lock. It is never
held around anything slow.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the OpenTelemetry SDK is heavy; `import spanledger` does without it
    from opentelemetry.sdk.trace import ReadableSpan


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of the finished spans of this process so far.

    ``accepted = sent + rejected + failed + dropped + pending``.
    """

    accepted: int = 0
    """Sampled spans that were handed to the exporter."""
    sent: int = 0
    """Spans the collector has taken."""
    rejected: int = 0
    """Spans the collector refused one by one (partial success)."""
    failed: int = 0
    """Spans given up: refused for good, or answered with errors for too long."""
    dropped: int = 0
    """Spans lost here: the queue was full, or the process ended before the collector came."""
    retried: int = 0
    """Requests made again after a failed one."""
    pending: int = 0
    """Spans still waiting or being sent."""
    last_error: str = ""
    """Why the latest request failed; empty if none ever did."""


class Backlog:
    """Spans on their way out.

    Args:
        capacity: Spans kept at most, the ones being sent included.
        batch_size: Spans that :meth:`take` gives at most.
    """

    def __init__(self, capacity: int, batch_size: int) -> None:
        self._capacity = capacity
        self._batch_size = batch_size
        self._lock = threading.RLock()
        self._spans: deque[ReadableSpan] = deque()
        self._in_flight = 0
        self._accepted = self._sent = self._rejected = self._failed = self._dropped = 0
        self._retried = 0
        self._last_error = ""
        self._closed = False

    def add(self, span: ReadableSpan) -> bool:
        """Take a span in; True when the sender should look (first span, or a full batch)."""
        with self._lock:
            self._accepted += 1
            if self._closed:
                self._dropped += 1
                return True
            if self._spans and len(self._spans) + self._in_flight >= self._capacity:
                self._spans.popleft()
                self._dropped += 1
            self._spans.append(span)
            return len(self._spans) in {1, self._batch_size}

    def take(self) -> list[ReadableSpan]:
        """The oldest spans, at most a batch; they stay counted as pending."""
        with self._lock:
            count = min(len(self._spans), self._batch_size)
            batch = [self._spans.popleft() for _ in range(count)]
            self._in_flight += count
            return batch

    def put_back(self, spans: Sequence[ReadableSpan], reason: str) -> None:
        """Return spans that could not be sent now to the front; the request will be repeated."""
        with self._lock:
            if self._closed:
                return
            self._in_flight -= len(spans)
            self._spans.extendleft(reversed(spans))
            self._retried += 1
            self._last_error = reason

    def sent(self, count: int, rejected: int = 0) -> None:
        """Count spans of a request that the collector answered with success."""
        with self._lock:
            if self._closed:
                return
            self._in_flight -= count
            rejected = min(max(rejected, 0), count)
            self._sent += count - rejected
            self._rejected += rejected

    def failed(self, count: int, reason: str) -> None:
        """Count spans that are given up."""
        with self._lock:
            if self._closed:
                return
            self._in_flight -= count
            self._failed += count
            self._last_error = reason

    def split(self, reason: str) -> None:
        """Count one more request for spans that are being sent in smaller parts."""
        with self._lock:
            self._retried += 1
            self._last_error = reason

    def close(self) -> None:
        """Give up everything that is left and take nothing more.

        An answer to a request that is still on its way is not waited for: its spans are counted
        as dropped, since nobody can say that they arrived.
        """
        with self._lock:
            self._closed = True
            self._dropped += len(self._spans) + self._in_flight
            self._spans.clear()
            self._in_flight = 0

    def full_batch(self) -> bool:
        """Whether a whole batch is waiting."""
        return len(self._spans) >= self._batch_size

    def accounted(self) -> int:
        """Spans whose fate is known; grows by one for each span, oldest first."""
        with self._lock:
            return self._accepted - len(self._spans) - self._in_flight

    def waiting(self) -> int:
        """Spans that wait, without those being sent."""
        return len(self._spans)

    def counts(self) -> Delivery:
        """A consistent picture of all the counts."""
        with self._lock:
            return Delivery(
                accepted=self._accepted,
                sent=self._sent,
                rejected=self._rejected,
                failed=self._failed,
                dropped=self._dropped,
                retried=self._retried,
                pending=len(self._spans) + self._in_flight,
                last_error=self._last_error,
            )
