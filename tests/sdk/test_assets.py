"""Assets: costs, plans, write-offs and transfers as spans of their own."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import spanledger
from spanledger import assets, semconv
from spanledger.testing import capture_spans


def test_entries_say_what_they_are_and_are_apart_from_the_work_around() -> None:
    with capture_spans() as spans, spanledger.agent("trainer"):
        assets.book_cost("ft", "120000", measured=True, record_id="invoice-9")
        assets.plan(
            "ft", expected_executions=2_000_000, low=1_000_000, agent="support", version="2"
        )
        assets.plan("host", life_days=30, executions_per_day=100, salvage="5")
        assets.plan("ft", expected_units=10, unit="token", reason="fewer came")
        assets.transfer("ft", "ft-2", 45)
        assets.write_off("ft")
    told = [dict(span.attributes or {}) for span in spans.spans if "record" in span.name]
    assert all(span.parent is None for span in spans.spans if "record" in span.name)
    for attributes in told:
        assert attributes.pop(semconv.OPERATION_NAME) == "record"
        assert semconv.RUN_ID not in attributes
    per_execution = {semconv.ASSET_ENTRY: "plan", semconv.ASSET_UNIT: "execution"}
    assert told == [
        {
            semconv.ASSET_ID: "ft",
            semconv.ASSET_ENTRY: "cost",
            semconv.ASSET_AMOUNT: "120000",
            semconv.ASSET_CURRENCY: "USD",
            semconv.ASSET_KIND: "training",
            semconv.ASSET_MEASURED: True,
            semconv.RECORD_ID: "invoice-9",
        },
        per_execution
        | {
            semconv.ASSET_ID: "ft",
            semconv.ASSET_METHOD: "straight_line_per_execution",
            semconv.ASSET_EXPECTED_UNITS: "2000000",
            semconv.ASSET_EXPECTED_UNITS_LOW: "1000000",
            semconv.ASSET_SALVAGE: "0",
            semconv.ASSET_AGENT_NAME: "support",
            semconv.ASSET_AGENT_VERSION: "2",
        },
        per_execution
        | {
            semconv.ASSET_ID: "host",
            semconv.ASSET_METHOD: "straight_line_per_time",
            semconv.ASSET_EXPECTED_UNITS: "3000",
            semconv.ASSET_LIFE_DAYS: "30",
            semconv.ASSET_SALVAGE: "5",
        },
        {
            semconv.ASSET_ID: "ft",
            semconv.ASSET_ENTRY: "plan",
            semconv.ASSET_METHOD: "units_of_production",
            semconv.ASSET_UNIT: "token",
            semconv.ASSET_EXPECTED_UNITS: "10",
            semconv.ASSET_SALVAGE: "0",
            semconv.RECORD_REASON: "fewer came",
        },
        {
            semconv.ASSET_ID: "ft",
            semconv.ASSET_ENTRY: "transfer",
            semconv.ASSET_AMOUNT: "45",
            semconv.ASSET_CURRENCY: "USD",
            semconv.ASSET_TO: "ft-2",
        },
        {semconv.ASSET_ID: "ft", semconv.ASSET_ENTRY: "write_off"},
    ]


@pytest.mark.parametrize(
    ("book", "why"),
    [
        (lambda: assets.book_cost("ft", "much"), "amount 'much' left out"),
        (lambda: assets.book_cost("ft", 1, kind="fun"), "a kind is one of"),  # type: ignore[arg-type]
        (lambda: assets.book_cost(" ", 1), "give the asset a name"),
        (lambda: assets.plan("ft"), "give expected_executions"),
        (lambda: assets.plan("ft", expected_executions=0), "all above 0"),
        (lambda: assets.plan("ft", expected_executions=9, low=10), "low and high of the units"),
        (lambda: assets.plan("ft", expected_executions=9, high=8), "low and high of the units"),
        (lambda: assets.plan("ft", life_days=0, executions_per_day=3), "all above 0"),
        (lambda: assets.plan("ft", expected_executions=9, salvage="-1"), "a salvage of -1"),
        (lambda: assets.write_off("ft", "x"), "left out"),
        (lambda: assets.transfer("ft", "ft-2", "x"), "left out"),
        (lambda: assets.transfer("ft", "ft-2", kind="fun"), "a kind is one of"),  # type: ignore[arg-type]
        (lambda: assets.transfer("ft", "ft-2", "-5"), "give an amount above 0"),
        (lambda: assets.write_off("ft", 0), "give an amount above 0"),
    ],
)
def test_what_cannot_be_used_is_left_out_and_said(
    book: Callable[[], str], why: str, caplog: pytest.LogCaptureFixture
) -> None:
    with capture_spans() as spans:
        assert book() == ""
    assert not spans.spans
    assert why in caplog.text
