"""Records: what the application says of its runs beyond spans."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any

import pytest
from opentelemetry import trace

import spanledger
from spanledger import semconv
from spanledger._work import recording
from spanledger.testing import capture_spans


def test_a_record_belongs_to_the_run_around_it() -> None:
    """It is a child in the run's trace, and carries the run's identity."""
    with capture_spans() as spans, spanledger.agent("support", tenant="acme"):
        run_id = spanledger.current_run_id()
        record_id = spanledger.record_outcome("success", value="4.50", currency="eur")
    span = spans.one("record outcome")
    agent = spans.one("invoke_agent support")
    told = spans.attributes("record outcome")
    assert span.context is not None
    assert agent.context is not None
    assert span.context.trace_id == agent.context.trace_id
    assert record_id == f"{span.context.span_id:016x}"
    assert told == told | {
        semconv.OPERATION_NAME: "record",
        semconv.OUTCOME: "success",
        semconv.VALUE_AMOUNT: "4.50",
        semconv.VALUE_CURRENCY: "EUR",
        semconv.RUN_ID: run_id,
        semconv.TENANT_ID: "acme",
    }


def test_a_record_about_another_run_is_no_part_of_the_work_around_it() -> None:
    at = datetime(2026, 11, 3, 9, 30, 0, 250_000, tzinfo=timezone.utc)
    with capture_spans() as spans, spanledger.agent("support"):
        given = spanledger.record_revenue(
            Decimal("20.000000000001"), external_key="ticket-77", record_id="sale-1", at=at
        )
    span = spans.one("record revenue")
    assert given == "sale-1"
    assert span.parent is None
    assert span.start_time == span.end_time == int(at.timestamp() * 1000) * 1_000_000
    said = str((span.attributes or {})[semconv.RECORD_RECORDED_AT])
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z", said)
    assert dict(span.attributes or {}) == {
        semconv.RECORD_RECORDED_AT: said,
        semconv.OPERATION_NAME: "record",
        semconv.REVENUE_AMOUNT: "20.000000000001",
        semconv.REVENUE_CURRENCY: "USD",
        semconv.SUBJECT_EXTERNAL_KEY: "ticket-77",
        semconv.RECORD_ID: "sale-1",
    }


def test_every_kind_says_what_it_is_given() -> None:
    with capture_spans() as spans, spanledger.context(external_key="ticket-77"):
        spanledger.record_outcome(False, quantity="2.5", unit="minutes_saved")
        spanledger.record_evaluation(hallucinated=True, name="judge", score=0.1, label="bad")
        spanledger.record_cost(0.25, category="sms", reason="alert")
        spanledger.record_effort(12, role="editor")
    told = [dict(span.attributes or {}) for span in spans.spans]
    for attributes in told:
        assert attributes.pop(semconv.OPERATION_NAME) == "record"
        assert attributes.pop(semconv.EXTERNAL_KEY) == "ticket-77"
    assert told == [
        {
            semconv.OUTCOME: "failure",
            semconv.OUTCOME_QUANTITY: "2.5",
            semconv.OUTCOME_UNIT: "minutes_saved",
        },
        {
            semconv.EVALUATION_NAME: "judge",
            semconv.EVALUATION_SCORE_LABEL: "bad",
            semconv.EVALUATION_VERDICT: "hallucinated",
            semconv.EVALUATION_SCORE_VALUE: 0.1,
        },
        {
            semconv.EXPENSE_AMOUNT: "0.25",
            semconv.EXPENSE_CURRENCY: "USD",
            semconv.EXPENSE_CATEGORY: "sms",
            semconv.RECORD_REASON: "alert",
        },
        {semconv.EFFORT_MINUTES: "12", semconv.EFFORT_ROLE: "editor"},
    ]


@pytest.mark.parametrize(
    ("record", "why"),
    [
        (lambda: spanledger.record_revenue("much"), "amount 'much' left out"),
        (lambda: spanledger.record_revenue(float("nan")), "left out"),
        (lambda: spanledger.record_revenue("1e15"), "left out"),
        (lambda: spanledger.record_revenue("0.0000000000001"), "at most 12 decimals"),
        (lambda: spanledger.record_cost(1, currency="euro"), "code of three letters"),
        (lambda: spanledger.record_effort(-1), "give minutes"),
        (lambda: spanledger.record_outcome("fine"), "one of success, failure, partial"),  # type: ignore[arg-type]
        (lambda: spanledger.record_outcome("success", value="x"), "left out"),
        (lambda: spanledger.record_outcome("success", quantity=1), "a unit of a-z"),
        (lambda: spanledger.record_outcome("success", unit="tickets"), "give a number"),
        (
            lambda: spanledger.record_outcome("success", quantity="0.0000001", unit="t"),
            "6 decimals",
        ),
        (spanledger.record_evaluation, "give a verdict"),
        (lambda: spanledger.record_evaluation("odd"), "give a verdict"),  # type: ignore[arg-type]
        (lambda: spanledger.record_outcome("success", span_id="00"), "its trace_id"),
    ],
)
def test_what_cannot_be_used_is_left_out_and_said(
    record: Callable[[], Any], why: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing is raised into the application, and no half record is written."""
    with capture_spans() as spans:
        assert record() == ""
    assert not spans.spans
    assert why in caplog.text


def test_a_record_about_nothing_is_said_once(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Outside of any span and without a subject; it is written all the same."""
    monkeypatch.setattr(recording, "_told_of_nothing", [])
    with capture_spans() as spans:
        with spanledger.agent("support"), trace.use_span(trace.INVALID_SPAN):
            spanledger.record_revenue("1")  # the run's id is there
        with spanledger.workflow("w"):
            spanledger.record_revenue("2")
        spanledger.record_revenue("3", external_key="ticket-77")
        assert not caplog.messages
        assert spanledger.record_revenue("4")
        spanledger.record_cost("5")
    [said] = caplog.messages
    assert said.startswith("revenue is about nothing: no run is around it and it names none")
    assert spans.names().count("record revenue") == 4


def test_work_that_is_done_again_names_the_earlier(caplog: pytest.LogCaptureFixture) -> None:
    """The later span says it, with the reason where one is given; outside of work it is said."""
    with capture_spans() as spans:
        with spanledger.agent("first"):
            earlier = spanledger.current_run_id() or ""
        with spanledger.agent("again"):
            spanledger.mark_retry(earlier)
        with spanledger.task("anew"):
            spanledger.mark_retry(earlier, reason="off_topic")
        assert not caplog.messages
        spanledger.mark_retry(earlier)
        with spanledger.agent("of nothing"):
            spanledger.mark_retry("")
    again, anew = spans.attributes("invoke_agent again"), spans.attributes("task anew")
    assert again[semconv.RETRY_OF] == earlier
    assert (anew[semconv.REWORK_OF], anew[semconv.REWORK_REASON]) == (earlier, "off_topic")
    assert semconv.RETRY_OF not in anew
    assert semconv.RETRY_OF not in spans.attributes("invoke_agent of nothing")
    assert len(caplog.messages) == 2
