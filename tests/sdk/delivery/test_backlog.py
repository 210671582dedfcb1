"""The queue's arithmetic, whatever happens to it."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from opentelemetry.sdk.trace import Event, ReadableSpan

from spanledger._delivery.backlog import MAX_BATCH_BYTES, Backlog, Queued, size_bytes

CAPACITY, BATCH = 6, 3
SMALL = size_bytes(ReadableSpan(""))
LARGE = SMALL + 20_500
#: Three large spans, or six small ones.
CAPACITY_BYTES = 3 * (SMALL + 4000)


class BacklogMachine(RuleBasedStateMachine):
    """Random life of a queue: every span is accounted for, order is kept, memory is bounded."""

    def __init__(self) -> None:
        super().__init__()
        self.backlog = Backlog(CAPACITY, BATCH, CAPACITY_BYTES)
        self.taken: list[Queued] = []
        self.made = 0
        self.last_sent = -1

    @rule(text_bytes=st.sampled_from([0, 3900, 20_000]))
    def add(self, text_bytes: int) -> None:
        self.backlog.add(ReadableSpan(str(self.made), attributes={"prompt": "x" * text_bytes}))
        self.made += 1

    @precondition(lambda self: not self.taken)
    @rule()
    def take(self) -> None:
        self.taken = self.backlog.take()
        numbers = [int(queued.span.name) for queued in self.taken]
        assert len(numbers) <= BATCH
        assert numbers == sorted(numbers)
        assert all(number > self.last_sent for number in numbers)

    @precondition(lambda self: self.taken)
    @rule(rejected=st.integers(-1, 9))
    def send(self, rejected: int) -> None:
        self.backlog.sent(self.taken, rejected)
        self.last_sent = int(self.taken[-1].span.name)
        self.taken = []

    @precondition(lambda self: self.taken)
    @rule()
    def put_back(self) -> None:
        self.backlog.put_back(self.taken, "busy")
        self.taken = []

    @precondition(lambda self: self.taken)
    @rule()
    def fail(self) -> None:
        self.backlog.failed(self.taken, "refused")
        self.taken = []

    @rule()
    def close(self) -> None:
        self.backlog.close()
        assert self.backlog.counts().pending == 0

    @invariant()
    def every_span_is_accounted_for(self) -> None:
        counts = self.backlog.counts()
        fates = counts.sent + counts.rejected + counts.failed + counts.dropped + counts.pending
        assert counts.accepted == self.made == fates
        assert min(counts.sent, counts.rejected, counts.failed, counts.dropped) >= 0
        assert 0 <= counts.pending <= CAPACITY
        # Beyond the bound: what is being sent, and the newest span, which is always kept.
        assert self.backlog.held_bytes() <= CAPACITY_BYTES + 2 * LARGE
        assert self.backlog.held_bytes() >= counts.pending * SMALL
        assert (self.backlog.held_bytes() == 0) == (counts.pending == 0)
        assert self.backlog.accounted() == counts.accepted - counts.pending


TestBacklog = BacklogMachine.TestCase


def test_large_spans_leave_room_for_fewer() -> None:
    """However many: memory stays below the bound, and each span that went is counted."""
    backlog = Backlog(10_000, 512, 10_000_000)
    for _ in range(100):
        backlog.add(ReadableSpan("s", attributes={"prompt": "x" * 1_000_000}))
        assert backlog.held_bytes() <= 10_000_000
    assert (backlog.counts().pending, backlog.counts().dropped) == (9, 91)


def test_a_batch_is_bounded_in_bytes() -> None:
    """A request never grows past what collectors take, unless one span alone does."""
    backlog = Backlog(10_000, 512, 10**9)
    for text_bytes in (1_000_000, 1_000_000, 1_000_000, 10_000_000, 10):
        backlog.add(ReadableSpan("s", attributes={"prompt": "x" * text_bytes}))
    batches = iter(backlog.take, [])
    sizes = [[queued.size_bytes for queued in batch] for batch in batches]
    assert [len(batch) for batch in sizes] == [3, 1, 1]
    assert sum(sizes[0]) <= MAX_BATCH_BYTES < sizes[1][0]


def test_texts_in_lists_and_events_are_weighed() -> None:
    event = Event("exception", {"exception.stacktrace": "x" * 50_000})
    told = {"tags": ("a" * 30_000, "b"), "n": 3, "share": 0.5, "yes": True}
    size = size_bytes(ReadableSpan("s", attributes=told, events=[event]))
    assert 80_000 <= size <= 90_000
