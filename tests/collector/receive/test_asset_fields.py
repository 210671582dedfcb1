"""Entries about assets that come by JSON are those of the SDK, or refused with a reason."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from opentelemetry.sdk.trace import ReadableSpan
from tests.collector.receive.test_records import spans

from spanledger import assets
from spanledger.testing import capture_spans
from spanledger_collector.receive.records import decode_records

Told = dict[str, Any]


def _of_the_sdk(span: ReadableSpan) -> Told:
    return {"name": span.name, **dict(span.attributes or {})}


def test_an_entry_is_the_span_that_the_sdk_writes() -> None:
    with capture_spans() as captured:
        assets.book_cost("ft", "120000", kind="data_curation", currency="EUR", record_id="a")
        assets.plan(
            "ft", expected_executions=10, low=8, high=12, agent="s", version="2", record_id="b"
        )
        assets.plan("ft", expected_units=5, unit="token", salvage="3", record_id="c")
        assets.plan("ft", life_days=30, executions_per_day="2.5", record_id="d")
        assets.write_off("ft", "7", record_id="e", reason="replaced")
        assets.write_off("ft", record_id="f")
        assets.transfer("ft", "ft-2", "45", record_id="g")
        assets.transfer("ft", "ft-2", record_id="h")
        assets.plan("ft", expected_units=3, unit="success", record_id="i")
    told = spans(
        {"kind": "asset_cost", "asset": "ft", "amount": "120000", "asset_kind": "data_curation",
         "currency": "eur", "record_id": "a"},
        {"kind": "asset_plan", "asset": "ft", "expected_executions": 10, "low": 8, "high": 12,
         "agent": "s", "version": 2, "record_id": "b"},
        {"kind": "asset_plan", "asset": "ft", "expected_units": "5", "unit": "token",
         "salvage": 3, "record_id": "c"},
        {"kind": "asset_plan", "asset": "ft", "life_days": 30, "executions_per_day": 2.5,
         "record_id": "d"},
        {"kind": "asset_write_off", "asset": "ft", "amount": 7, "record_id": "e",
         "reason": "replaced"},
        {"kind": "asset_write_off", "asset": "ft", "record_id": "f"},
        {"kind": "asset_transfer", "asset": "ft", "to": "ft-2", "amount": 45, "record_id": "g"},
        {"kind": "asset_transfer", "asset": "ft", "to": "ft-2", "record_id": "h"},
        {"kind": "asset_plan", "asset": "ft", "expected_units": 3, "unit": "success",
         "record_id": "i"},
    )  # fmt: skip
    ours = [{k: v for k, v in one.items() if k not in ("ids", "start_ns")} for one in told]
    theirs = [
        {k: v for k, v in _of_the_sdk(span).items() if not (k.endswith(".salvage") and v == "0")}
        for span in captured.spans
    ]
    assert ours == theirs


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ({"kind": "asset_cost", "asset": "ft"}, "needs amount"),
        ({"kind": "asset_cost", "amount": "1"}, "needs asset"),
        ({"kind": "asset_cost", "asset": "ft", "amount": "1", "asset_kind": "fun"}, "none of"),
        ({"kind": "asset_cost", "asset": "ft", "amount": "1", "run_id": "r"}, "has no run_id"),
        ({"kind": "asset_plan", "asset": "ft"}, "give expected_executions"),
        ({"kind": "asset_plan", "asset": "ft", "expected_executions": 0}, "above 0"),
        ({"kind": "asset_plan", "asset": "ft", "life_days": 3}, "executions_per_day"),
        (
            {"kind": "asset_plan", "asset": "ft", "expected_executions": 9, "low": 10},
            "low, expected and high in this order",
        ),
        (
            {
                "kind": "asset_plan",
                "asset": "ft",
                "life_days": 3,
                "executions_per_day": 2,
                "high": 5,
            },
            "low, expected and high in this order",
        ),
        (
            {"kind": "asset_plan", "asset": "ft", "expected_executions": 1, "unit": "token"},
            "expected_units of token",
        ),
        (
            {"kind": "asset_plan", "asset": "ft", "expected_executions": 1, "salvage": "-1"},
            "salvage: give 0 or more",
        ),
        ({"kind": "asset_transfer", "asset": "ft", "amount": "1"}, "needs to"),
        (
            {"kind": "asset_write_off", "asset": "ft", "amount": "-1"},
            "amount: give an amount above 0",
        ),
    ],
)
def test_what_is_no_entry_is_refused(record: Told, reason: str) -> None:
    _, answer = decode_records(orjson.dumps({"records": [record]}))
    assert not answer.record_ids
    assert reason in answer.rejected[0][1]
