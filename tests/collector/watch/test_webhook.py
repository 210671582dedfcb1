"""Webhooks: signed, in order, tried again, given up, and never waited for."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Callable
from datetime import datetime, timezone
from decimal import Decimal

import pytest
from tests.collector.watch.receiver import Receiver, receiving

from spanledger_collector.watch import Webhook
from spanledger_collector.watch.board import Transition
from spanledger_collector.watch.evaluation import Reading
from spanledger_collector.watch.rules import BudgetRule, Rules, WebhookTarget
from spanledger_collector.watch.webhook import SIGNATURE, message

NOW = datetime(2026, 11, 27, 12, tzinfo=timezone.utc)


def transition(key: str = "acme") -> Transition:
    budget = BudgetRule.model_validate({"name": "b", "per": "tenant", "limit_usd": "0.1"})
    *_, condition = Rules(budgets=(budget,)).conditions()
    value = Decimal("0.100000000001")
    return Transition("firing", Reading(condition, key, value, 3, budget.at(NOW)), NOW, NOW)


def sent_to(receiver: Receiver, secret: str = "", pauses: tuple[float, ...] = (0.01,)) -> Webhook:
    target = WebhookTarget(url=receiver.url, timeout_seconds=5)
    webhook = Webhook(target, secret, pauses_seconds=pauses)
    webhook.start()
    return webhook


def until(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_a_message_is_exact_and_signed() -> None:
    """The receiver can check who sent it and when, and reads every digit."""
    with receiving() as receiver:
        webhook = sent_to(receiver, "s3cret")
        webhook.tell(transition())
        receiver.wait()
        webhook.stop(60)
    [(headers, body)] = receiver.messages
    seconds, _, signature = headers[SIGNATURE].removeprefix("t=").partition(",v1=")
    expected = hmac.new(b"s3cret", f"{seconds}.".encode() + body, hashlib.sha256).hexdigest()
    assert signature == expected
    assert abs(int(seconds) - time.time()) < 60
    told = json.loads(body)
    assert told == message(transition())
    assert (told["status"], told["rule"], told["key"]) == ("firing", "b", "acme")
    assert told["bound"] == ""
    assert (told["value"], told["threshold"]) == ("0.100000000001", "0.1")
    assert told["window"]["since"] == "2026-11-01T00:00:00+00:00"
    assert webhook.sent == 1


@pytest.mark.parametrize("status", [500, 503, 429])
def test_what_may_pass_is_tried_again_with_the_same_id(status: int) -> None:
    with receiving() as receiver:
        receiver.statuses = [status, status]
        webhook = sent_to(receiver, pauses=(0.01, 0.01))
        webhook.tell(transition())
        receiver.wait(3)
        webhook.stop(60)
    assert len({json.loads(body)["id"] for _, body in receiver.messages}) == 1
    assert (webhook.sent, webhook.failed) == (1, 0)
    assert all(SIGNATURE not in headers for headers, _ in receiver.messages)


@pytest.mark.parametrize("status", [400, 404, 302])
def test_a_refusal_is_final_and_a_redirect_is_one(
    status: int, caplog: pytest.LogCaptureFixture
) -> None:
    with receiving() as receiver:
        receiver.statuses = [status]
        webhook = sent_to(receiver)
        webhook.tell(transition())
        until(lambda: webhook.failed == 1)
        webhook.tell(transition("other"))
        receiver.wait(2)
        webhook.stop(60)
    assert [json.loads(body)["key"] for _, body in receiver.messages] == ["acme", "other"]
    assert f"it answered {status}" in caplog.text
    assert (webhook.sent, webhook.failed) == (1, 1)


def test_nobody_there_is_given_up_after_the_last_pause(caplog: pytest.LogCaptureFixture) -> None:
    with receiving() as receiver:
        pass
    webhook = sent_to(receiver, pauses=(0.01, 0.01))
    webhook.tell(transition())
    until(lambda: webhook.failed == 1)
    webhook.stop(60)
    assert "an alert could not be sent" in caplog.text


def test_the_end_does_not_wait_for_a_pause() -> None:
    with receiving() as receiver:
        receiver.statuses = [500, 500]
        webhook = sent_to(receiver, pauses=(600.0,))
        webhook.tell(transition())
        receiver.wait()
        webhook.stop(60)
    assert len(receiver.messages) == 2
