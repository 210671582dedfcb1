"""One line a change, never a line an attempt."""

from __future__ import annotations

import pytest

from spanledger._delivery.backlog import Delivery
from spanledger._delivery.notices import Notices
from spanledger._delivery.sender import Attempt, Outcome, judge_grpc

NONE = Delivery()


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records]


def test_an_outage_is_two_lines(caplog: pytest.LogCaptureFixture) -> None:
    """However long it lasts; and a second outage is told again."""
    notices = Notices("http://c")
    for outcome in [Outcome.UNREACHABLE] * 5 + [Outcome.DELIVERED] * 5:
        notices.attempt(Attempt(outcome, "refused"), NONE)
    assert len(lines(caplog)) == 2
    notices.attempt(Attempt(Outcome.UNREACHABLE), NONE)
    assert len(lines(caplog)) == 3


def test_a_short_pause_is_not_told(caplog: pytest.LogCaptureFixture) -> None:
    """A busy answer or two are normal; the third in a row is an outage."""
    notices = Notices("http://c")
    for outcome in [Outcome.BUSY, Outcome.BUSY, Outcome.DELIVERED, Outcome.BUSY, Outcome.BUSY]:
        notices.attempt(Attempt(outcome), NONE)
    assert lines(caplog) == []
    notices.attempt(Attempt(Outcome.BUSY, "HTTP 503"), NONE)
    assert ["does not take spans" in line for line in lines(caplog)] == [True]


def test_losses_are_told_at_most_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    """The next line, or the last, tells the rest."""
    notices = Notices("http://c")
    notices.losses(NONE)
    notices.losses(Delivery(dropped=1))
    notices.losses(Delivery(dropped=5))
    assert len(lines(caplog)) == 1
    notices.losses(Delivery(dropped=7, last_error="HTTP 503"), final=True)
    assert lines(caplog)[-1].startswith("6 spans were lost")
    notices.losses(Delivery(dropped=7), final=True)
    assert len(lines(caplog)) == 2


def test_an_unexplained_failure_may_pass() -> None:
    """Without a reason from the exporter the batch is tried again, for a bounded time."""
    assert judge_grpc(None).outcome is Outcome.UNANSWERED
