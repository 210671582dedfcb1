"""The queue's arithmetic, whatever happens to it."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from opentelemetry.sdk.trace import ReadableSpan

from spanledger._delivery.backlog import Backlog

CAPACITY, BATCH = 6, 3


class BacklogMachine(RuleBasedStateMachine):
    """Random life of a queue: every span is accounted for, order is kept, memory is bounded."""

    def __init__(self) -> None:
        super().__init__()
        self.backlog = Backlog(CAPACITY, BATCH)
        self.taken: list[ReadableSpan] = []
        self.made = 0
        self.last_sent = -1

    @rule()
    def add(self) -> None:
        self.backlog.add(ReadableSpan(str(self.made)))
        self.made += 1

    @precondition(lambda self: not self.taken)
    @rule()
    def take(self) -> None:
        self.taken = self.backlog.take()
        numbers = [int(span.name) for span in self.taken]
        assert len(numbers) <= BATCH
        assert numbers == sorted(numbers)
        assert all(number > self.last_sent for number in numbers)

    @precondition(lambda self: self.taken)
    @rule(rejected=st.integers(-1, 9))
    def send(self, rejected: int) -> None:
        self.backlog.sent(len(self.taken), rejected)
        self.last_sent = int(self.taken[-1].name)
        self.taken = []

    @precondition(lambda self: self.taken)
    @rule()
    def put_back(self) -> None:
        self.backlog.put_back(self.taken, "busy")
        self.taken = []

    @precondition(lambda self: self.taken)
    @rule()
    def fail(self) -> None:
        self.backlog.failed(len(self.taken), "refused")
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
        assert self.backlog.accounted() == counts.accepted - counts.pending


TestBacklog = BacklogMachine.TestCase
