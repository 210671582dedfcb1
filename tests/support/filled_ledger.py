"""A small ledger with something of everything, settled by the real settler.

Trace 1 is a planner that calls a researcher: a priced call, one that was retried inside the client,
one that failed, a stream whose tokens were estimated, a model that nobody knows the price of, a
tool and one call told twice. Trace 2 has names made to hurt a terminal. Trace 3 has no known cost
at all. Trace 4 belongs to another workspace. Trace 5 books an asset, which no run carries. Trace 6
is a record that says something of trace 1 without a verdict. A value rule fits none of their runs.
"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from tests.collector.settle.scene import (
    START,
    Row,
    call,
    hex32,
    load,
    price,
    publish,
    settler,
    span,
)  # fmt: skip

from spanledger_collector.store import Store
from spanledger_collector.value import ValueRule
from spanledger_collector.value import publish as publish_values

TRACE = hex32(1)
HOSTILE_TRACE = hex32(2)
UNKNOWN_TRACE = hex32(3)
FOREIGN_TRACE = hex32(4)

#: ANSI escape, rich markup, newline, bell, right-to-left override, zero-width space, C1 control.
HOSTILE = "\x1b[31mred\x1b[0m [bold]x[/bold] [/] \n\r\t\x07 \u202eevil\u202c \u200b\x9b2J :smile:"

#: 1000 x 0.0000030000001 + 10 x 0.000015 + 100 x 0.0000003; see ``_planner``.
FIRST_CALL_USD = Decimal("0.0031800001")

_VALUE_RULE = ValueRule.model_validate(
    {"agent": "nobody", "per": "success", "amount": "4.50", "valid_from": "2026-01-01"}
)


_SAMPLE_COLUMNS = ("workspace", "device_id", "metric", "kind", "at", "value")
_SAMPLE = ("default", "GPU-1", "hw.power", "gauge", START, 350.0)
_ENGINE_COLUMNS = ("workspace", "instance", "engine", "model", "measure", "kind", "at", "value")
_ENGINE = ("default", "10.0.0.5:8000", "vllm", HOSTILE, "requests_running", "gauge", START, 7.0)

_WINDOW_COLUMNS = ("pool", "window_start", "window_end", "gpus", "billed_gpu_seconds", "version")
_WINDOW = ("lab", START, START + timedelta(minutes=10), 1, Decimal(600), 1)


def fill(store: Store) -> None:
    """Put the traces, what a GPU drew and an engine did, into an empty ledger and settle them."""
    with store.connect() as connection:
        publish(connection, _prices())
        publish_values(connection, [_VALUE_RULE])
        for spans in (_planner(), _hostile(), _unknown(), _foreign(), _asset(), _record()):
            load(connection, spans)
        connection.insert_rows("gpu_samples", _SAMPLE_COLUMNS, [_SAMPLE])
        connection.insert_rows("engine_samples", _ENGINE_COLUMNS, [_ENGINE])
        connection.insert_rows("gpu_windows", _WINDOW_COLUMNS, [_WINDOW])
    one = settler(store)
    try:
        traces = [("default", hex32(number)) for number in (1, 2, 3)]
        one.settle_traces([*traces, ("other", FOREIGN_TRACE)])
    finally:
        one.stop(drain=False)


def _asset() -> list[Row]:
    told = {"id": "support-ft", "entry": "cost", "kind": "training", "amount": "120000"}
    attributes = {f"spanledger.asset.{name}": value for name, value in told.items()}
    return [span(1, role="record", trace=5, attributes=attributes)]


def _record() -> list[Row]:
    attributes = {"spanledger.subject.trace_id": TRACE, "gen_ai.evaluation.score.label": "terse"}
    return [span(1, role="record", trace=6, attributes=attributes)]


def _prices() -> list[Row]:
    rates = {"input": "0.0000030000001", "output": "0.000015"}
    return [price("m1", cache_read_usd_per_token="0.0000003", **rates)]


def _planner() -> list[Row]:
    planner = {"run_id": "run-planner", "agent_name": "planner", "agent_version": "1"}
    researcher = {"run_id": "run-researcher", "agent_name": "researcher", "agent_version": "2"}
    retried = {
        "attempt_number": 3,
        "retry_reasons": ["429", "APITimeoutError"],
        "retry_wait_seconds": [0.5, 1.25],
    }
    estimated = {
        "usage_source": "estimated",
        "input_tokens_low": 80, "input_tokens_high": 120,
        "output_tokens_low": 8, "output_tokens_high": 12,
        "streaming": True, "ttft_ns": 40_000_000,
    }  # fmt: skip
    physics = {
        "flops_total": 123_000_000_000_000, "flops_low": 100_000_000_000_000,
        "flops_high": 200_000_000_000_000, "flops_method": "assumed",
        "vram_kv_bytes": 1 << 30, "vram_weights_bytes": 1 << 34,
    }  # fmt: skip
    return [
        span(1, 0, "agent", lasts=30, tenant="acme", **planner),
        call(2, 1, (1000, 10), cache_read_tokens=100, response_id="r2", **physics, **planner),
        call(3, 1, (500, 20), **retried, **planner),
        span(4, 1, "tool", lasts=20, tool_name="search", **planner),
        span(5, 4, "agent", lasts=15, parent_run_id="run-planner", **researcher),
        call(6, 5, (100, 10), **estimated, **researcher),
        call(7, 5, (0, 0), usage_source="missing", status="error", error_type="500", **researcher),
        call(8, 5, (70, 7), request_model="unknown-model", **researcher),
        call(
            9, 2, (1000, 10), cache_read_tokens=100, response_id="r2", scope_name="twin", **planner
        ),
    ]


def _hostile() -> list[Row]:
    names = {"run_id": "run-hostile", "agent_name": HOSTILE, "agent_version": "[red]"}
    return [
        span(21, 0, "agent", trace=2, status="error", error_type=HOSTILE, **names),
        call(22, 21, (5, 5), trace=2, request_model=HOSTILE, error_type=HOSTILE, **names),
    ]


def _unknown() -> list[Row]:
    return [call(31, 0, (9, 9), trace=3, request_model="unknown-model")]


def _foreign() -> list[Row]:
    return [call(41, 0, (9, 9), trace=4, workspace="other")]
