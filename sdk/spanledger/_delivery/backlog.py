"""The bounded queue of finished spans, with exact counts of what became of each of them.

At any moment ``accepted = sent + rejected + failed + dropped + pending``. When the queue is full,
by number or by bytes, the oldest spans go, and are counted. The lock is reentrant on purpose: a
span can end inside a finaliser or a signal handler that interrupts this very thread while it holds
the lock. It is never held around anything slow.
"""

from __future__ import annotations

import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol, cast

if TYPE_CHECKING:  # the OpenTelemetry SDK is heavy; `import spanledger` does without it
    from opentelemetry.sdk.trace import ReadableSpan

#: What a batch may hold by :func:`size_bytes`, unless one span is larger. Senders keep requests
#: below 4 MiB (OTLP/gRPC "Maximum message size"); a span is smaller on the wire than in memory.
MAX_BATCH_BYTES: Final = 3 * 1024 * 1024
#: A span without attributes, in memory.
_SPAN_BYTES: Final = 2000
#: A shorter text is in that figure.
_SHORT_TEXT: Final = 64


def size_bytes(span: ReadableSpan) -> int:
    """About what a span takes in memory: what is always there, and its long texts."""
    size = _SPAN_BYTES
    for holder in (span, *span.events):
        for value in _values(holder.attributes):
            if isinstance(value, (str, bytes)):
                if len(value) > _SHORT_TEXT:
                    size += sys.getsizeof(value)
            elif isinstance(value, tuple):
                size += sum(map(sys.getsizeof, cast("tuple[object, ...]", value)))
    return size


def _values(attributes: Mapping[str, object] | None) -> Iterable[object]:
    # A copy is four times as fast as the view, whose every item is looked up by itself.
    copy: Callable[[], Mapping[str, object]] | None = getattr(attributes, "copy", None)
    return (copy() if copy is not None else attributes or {}).values()


class Kept(Protocol):
    """A span's record on disk."""

    def settle(self) -> None:
        """It need not be sent again."""
        ...

    def leave(self) -> None:
        """It stays, to be sent again."""
        ...


class Queued(NamedTuple):
    """A span on its way out."""

    span: ReadableSpan
    size_bytes: int
    """About what it takes in memory."""
    kept: Kept | None = None
    """Its record on disk."""


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
    """Spans given up: refused for good, or without a whole answer for too long."""
    dropped: int = 0
    """Spans lost here: the queue was full, or the process ended before the collector came."""
    spooled: int = 0
    """Of those failed and dropped the ones that are on disk, and are sent again."""
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
        capacity_bytes: What they may take in memory; one span is always kept.
    """

    def __init__(self, capacity: int, batch_size: int, capacity_bytes: int) -> None:
        self._capacity = capacity
        self._capacity_bytes = capacity_bytes
        self._batch_size = batch_size
        self._lock = threading.RLock()
        self._spans: deque[Queued] = deque()
        #: Of those waiting and those being sent.
        self._size_bytes = 0
        self._in_flight = self._kept_in_flight = 0
        self._sent = self._rejected = self._failed = self._dropped = 0
        self._retried = self._spooled = 0
        self._last_error = ""
        self._closed = False

    def add(self, span: ReadableSpan, kept: Kept | None = None) -> bool:
        """Take a span in; True when the sender should look (first span, or a full batch)."""
        queued = Queued(span, size_bytes(span), kept)
        with self._lock:
            if self._closed:
                self._drop(queued)
                return True
            while self._spans and self._is_full_for(queued):
                self._drop_oldest()
            self._spans.append(queued)
            self._size_bytes += queued.size_bytes
            return len(self._spans) in {1, self._batch_size}

    def _is_full_for(self, queued: Queued) -> bool:
        return (
            len(self._spans) + self._in_flight >= self._capacity
            or self._size_bytes + queued.size_bytes > self._capacity_bytes
        )

    def _drop_oldest(self) -> None:
        oldest = self._spans.popleft()
        self._size_bytes -= oldest.size_bytes
        self._drop(oldest)

    def _drop(self, queued: Queued) -> None:
        self._dropped += 1
        if queued.kept is not None:
            self._spooled += 1
            queued.kept.leave()

    def take(self) -> list[Queued]:
        """The oldest spans, at most a batch; they stay counted as pending."""
        with self._lock:
            batch: list[Queued] = []
            batch_bytes = 0
            while self._spans and len(batch) < self._batch_size:
                batch_bytes += self._spans[0].size_bytes
                if batch and batch_bytes > MAX_BATCH_BYTES:
                    break
                batch.append(self._spans.popleft())
            self._in_flight += len(batch)
            self._kept_in_flight += _kept(batch)
            return batch

    def put_back(self, batch: Sequence[Queued], reason: str) -> None:
        """Return spans that could not be sent now to the front; the request will be repeated."""
        with self._lock:
            if self._closed:
                return
            self._in_flight -= len(batch)
            self._kept_in_flight -= _kept(batch)
            self._spans.extendleft(reversed(batch))
            self._retried += 1
            self._last_error = reason

    def sent(self, batch: Sequence[Queued], rejected: int = 0) -> None:
        """Count spans of a request that the collector answered with success."""
        with self._lock:
            if self._closed:
                return
            self._leave(batch)
            rejected = min(max(rejected, 0), len(batch))
            self._sent += len(batch) - rejected
            self._rejected += rejected

    def failed(self, batch: Sequence[Queued], reason: str, *, at_fault: bool = False) -> None:
        """Count spans that are given up; what is on disk stays there, unless it is at fault."""
        with self._lock:
            if self._closed:
                return
            self._leave(batch)
            self._failed += len(batch)
            self._last_error = reason
            if not at_fault:
                self._spooled += _kept(batch)
                for queued in batch:
                    if queued.kept is not None:
                        queued.kept.leave()

    def _leave(self, batch: Sequence[Queued]) -> None:
        self._in_flight -= len(batch)
        self._kept_in_flight -= _kept(batch)
        self._size_bytes -= sum(queued.size_bytes for queued in batch)

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
            while self._spans:
                self._drop_oldest()
            self._dropped += self._in_flight
            self._spooled += self._kept_in_flight
            self._in_flight = self._kept_in_flight = self._size_bytes = 0

    def full_batch(self) -> bool:
        """Whether a whole batch is waiting."""
        return len(self._spans) >= self._batch_size

    def accounted(self) -> int:
        """Spans whose fate is known; grows by one for each span, oldest first."""
        with self._lock:
            return self._sent + self._rejected + self._failed + self._dropped

    def held_bytes(self) -> int:
        """About what the spans take in memory that wait or are being sent."""
        return self._size_bytes

    def waiting(self) -> int:
        """Spans that wait, without those being sent."""
        return len(self._spans)

    def counts(self) -> Delivery:
        """A consistent picture of all the counts."""
        with self._lock:
            return Delivery(
                # Not counted by itself: a handler's exception may come in the middle of any method.
                accepted=self.accounted() + len(self._spans) + self._in_flight,
                sent=self._sent,
                rejected=self._rejected,
                failed=self._failed,
                dropped=self._dropped,
                spooled=self._spooled,
                retried=self._retried,
                pending=len(self._spans) + self._in_flight,
                last_error=self._last_error,
            )


def _kept(batch: Sequence[Queued]) -> int:
    return sum(queued.kept is not None for queued in batch)
