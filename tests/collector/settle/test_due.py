"""When a trace is due: quiet for a while, or waiting for too long; nothing is forgotten."""

import math
from itertools import pairwise

from spanledger_collector.settle.due import Arrival, DueTraces
from spanledger_collector.settle.settlement import TraceKey

A, B = TraceKey("default", "a"), TraceKey("default", "b")


def _due(next_sequence: int = 0) -> DueTraces:
    return DueTraces(next_sequence, quiet_seconds=1.0, max_wait_seconds=5.0, overlap_seconds=3.0)


def test_a_trace_is_due_after_the_quiet_time() -> None:
    due = _due()
    assert due.observe(0.0, [Arrival(1, A, 2)]) == 1
    assert due.due(0.9) == []
    assert due.due(1.0) == [A]


def test_a_trace_that_never_rests_is_due_after_the_longest_wait() -> None:
    due = _due()
    for tick in range(11):
        due.observe(tick / 2, [Arrival(tick, A, 1)])
        assert due.due(tick / 2) == ([A] if tick == 10 else [])


def test_everything_can_be_asked_for_at_once() -> None:
    due = _due()
    due.observe(0.0, [Arrival(1, A, 1), Arrival(1, B, 1)])
    assert due.due(0.0, all_of_them=True) == [A, B]


def test_reading_a_record_again_changes_nothing_unless_more_of_it_is_there() -> None:
    """The engine may show a record in pieces."""
    due = _due()
    due.observe(0.0, [Arrival(7, A, 2)])
    due.settled([A])
    assert due.observe(0.5, [Arrival(7, A, 2)]) == 0
    assert len(due) == 0
    assert due.observe(0.6, [Arrival(7, A, 3)]) == 1
    assert due.due(1.6) == [A]


def test_records_are_read_again_for_a_while_and_then_no_more() -> None:
    due = _due(5)
    assert due.read_from(0.0) == 5
    due.observe(0.0, [Arrival(9, A, 1)])
    assert due.read_from(2.9) == 5
    assert due.read_from(3.0) == 9


def test_the_cursor_stays_below_what_is_not_settled() -> None:
    due = _due(3)
    assert due.next_sequence() == 3
    due.observe(0.0, [Arrival(4, A, 1), Arrival(5, B, 1)])
    due.settled([B])
    assert due.next_sequence() == 4
    due.settled([A])
    assert due.next_sequence() == 6


def test_a_trace_that_goes_on_is_settled_less_and_less_often() -> None:
    """Each settlement after the first doubles the quiet it needs, up to the longest wait."""
    due = _due()
    settled_at: list[float] = []
    for tick in range(400):
        now = tick / 4
        if tick % 6 == 0:
            due.observe(now, [Arrival(tick, A, 1)])
        if due.due(now):
            due.settled([A])
            settled_at.append(now)
    waits = [later - earlier for earlier, later in pairwise(settled_at)]
    assert waits[0] <= 2.0
    assert min(waits[3:]) >= 5.0


def test_a_trace_that_rested_is_settled_promptly_again() -> None:
    due = _due()
    for tick in (0.0, 2.0, 5.0, 9.0):
        due.observe(tick, [Arrival(int(tick), A, 1)])
        due.settled([A])
    due.observe(30.0, [Arrival(50, A, 1)])
    assert due.due(31.0) == [A]


def test_what_another_settler_did_meanwhile_is_done_again() -> None:
    due = _due()
    due.observe(0.0, [Arrival(7, A, 2)])
    due.settled([A])
    due.again(0.5, [A])
    assert due.next_sequence() == 8
    assert due.due(1.5) == [A]


def test_what_is_parked_waits_as_before_and_holds_no_cursor() -> None:
    due = _due()
    due.observe(0.0, [Arrival(7, A, 2), Arrival(8, B, 1)])
    due.postpone(1.0, {A: 60.0})
    due.park([A])
    assert (due.next_sequence(), due.failures(A), len(due)) == (8, 1, 2)
    due.settled([B])
    assert due.next_sequence() == 9
    due.observe(1.5, [Arrival(9, A, 1)])
    assert due.next_sequence() == 10
    assert due.due(2.0, all_of_them=True) == [A]
    due.settled([A])
    due.observe(3.0, [Arrival(12, A, 1)])
    assert due.next_sequence() == 12, "it is a trace like others again"


def test_what_failed_waits_longer_each_time_and_holds_the_cursor() -> None:
    due = _due()
    due.observe(0.0, [Arrival(7, A, 2)])
    now = 1.0
    for pause in (1.0, 2.0, 4.0, 5.0, 5.0):
        due.postpone(now, {A: 5.0})
        assert due.due(now + pause - 0.1) == []
        assert due.due(now, all_of_them=True) == due.due(now + pause) == [A]
        now += pause
    assert due.next_sequence() == 7
    due.settled([A])
    due.postpone(now, {A: 5.0})
    assert due.due(now + 1.0) == [A]


def test_none_is_due_before_the_first_pause_ends() -> None:
    """What is tried again later is not asked about meanwhile; what just came is."""
    due = _due()
    assert due.resting_until() == math.inf
    due.again(0.0, [A, B])
    due.rest([A], 9.0)
    due.postpone(0.0, {B: 60.0})
    due.postpone(1.0, {B: 60.0})
    assert due.resting_until() == 3.0
    due.settled([B])
    assert due.resting_until() == 9.0
    assert (due.due(8.9), due.due(9.0)) == ([], [A])
    due.observe(4.0, [Arrival(9, B, 1)])
    assert due.resting_until() == -math.inf
