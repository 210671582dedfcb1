"""The contract of clients: whom it is about, and on what rows a behaviour is tried."""

from __future__ import annotations

import importlib
import json
import pkgutil
from collections.abc import Callable
from typing import Any

from opentelemetry.sdk.trace import ReadableSpan
from tests.sdk.instrumentors.conftest import Spans
from tests.sdk.instrumentors.contract import (
    ClientCases,
    Mode,
    Shape,
)
from tests.support.contracts import OLDEST, Contract, F, under_contract

from spanledger import instrumentors

FILES = [module.name for module in pkgutil.iter_modules(instrumentors.__path__)]
_MODULES = [
    importlib.import_module(f"tests.sdk.instrumentors.cases_{name}")
    for name in under_contract(FILES)
]
CASES: list[ClientCases] = [
    cases
    for module in _MODULES
    for cases in (module.CASES, *(() if OLDEST else getattr(module, "FLAVOURS", ())))
]


CONTRACT = Contract(
    "clients", ("cases", "operation", "mode"), [row for cases in CASES for row in cases.rows()]
)


def behaviour(*shapes: Shape, mode: Mode | None = None, each: bool = True) -> Callable[[F], F]:
    """Run a test on every operation of these shapes (all by default) of one client or both.

    Where ``each`` is false, on the first of each shape.
    """
    return CONTRACT.behaviour(
        lambda row: (
            row.kind in {shape.value for shape in shapes or Shape} and mode in (None, row.values[2])
        ),
        each=each,
    )


def one(spans: Spans) -> tuple[ReadableSpan, dict[str, Any]]:
    [span] = spans()
    return span, dict(span.attributes or {})


#: Turns of the event loop, which finishes asynchronous generators that were left: two turns each,
#: from the outermost to ours.
TURNS = 10
#: Fields that differ from call to call, wherever they are.
_OF_ONE_CALL = frozenset(
    {
        "id",
        "response_id",
        "generation_id",
        "continuation_ids",
        "item_id",
        "created",
        "created_at",
        "completed_at",
        "sdk_http_response",
        "ResponseMetadata",
    }
)


def data_of(value: Any) -> Any:
    """The result as data, without what differs from call to call."""
    if hasattr(value, "model_dump"):
        return data_of(value.model_dump(mode="json", warnings=False))
    if isinstance(value, dict):
        data: dict[str, Any] = {**value}
        return {name: data_of(data[name]) for name in data if name not in _OF_ONE_CALL}
    if isinstance(value, list | tuple):
        items: list[Any] = [*value]
        return [data_of(item) for item in items]
    if isinstance(value, bytes):
        return data_of(json.loads(value))
    return value if isinstance(value, str | int | float | None) else value.__class__.__name__
