"""A simulated provider, patched clients, and the spans they made."""

from __future__ import annotations

import asyncio
import gc
import importlib
import pkgutil
import time
import warnings
from collections.abc import AsyncGenerator, Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from tests.sdk.instrumentors.contract import ClientCases, Mode

from spanledger._calls import call, draining
from spanledger._patches import registry
from spanledger_collector.demo.provider import Provider, Route

Spans = Callable[[], list[ReadableSpan]]
Make = Callable[..., Any]

_WIRES: Final = Path(__file__).parents[2] / "support" / "wires"
#: What the simulated provider speaks beside the formats of the demonstration: one file a format.
ROUTES: Final[dict[str, Route]] = {
    path: route
    for wire in pkgutil.iter_modules([str(_WIRES)])
    for path, route in importlib.import_module(f"tests.support.wires.{wire.name}").ROUTES.items()
}


@dataclass(frozen=True)
class Desk:
    """What a contract test works with: the provider, a maker of clients, the spans so far."""

    provider: Provider
    make: Make
    spans: Spans

    async def asked(self, requests: int) -> None:
        """Until the provider has been asked so often."""
        deadline = time.monotonic() + 120
        while len(self.provider.requests) < requests:
            assert time.monotonic() < deadline, "the provider was not asked"
            await asyncio.sleep(0.005)


@pytest.fixture(scope="module", autouse=True)
def _frozen_objects() -> Generator[None]:
    """What the tests of a module left behind is collected after the last one.

    A client library may have left a connection open when its loop ended: that is no fault of the
    test that comes next. What a test leaves itself is collected in it, with warnings as errors.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()
    yield
    gc.unfreeze()


@pytest.fixture(autouse=True)
def _quick_collections(_frozen_objects: None) -> None:
    """What there was before a test does not have to be looked through by its ``gc.collect``."""
    gc.freeze()


@pytest.fixture(name="provider")
def _provider() -> Generator[Provider]:
    with Provider(routes=ROUTES) as provider:
        yield provider


@pytest.fixture(name="tracer_provider")
def _tracer_provider() -> Generator[TracerProvider]:
    provider = TracerProvider(shutdown_on_exit=False)
    yield provider
    provider.shutdown()


@pytest.fixture(name="spans")
def _spans(tracer_provider: TracerProvider) -> Generator[Spans]:
    """Instruments everything; gives the finished spans of the test so far, drained and collected.

    A test that leaves an error of ours behind fails: nothing may be swallowed unseen.
    """
    exporter = InMemorySpanExporter()
    tracer_provider.add_span_processor(SimpleSpanProcessor(exporter))
    before = call.internal_errors()
    registry.instrument(tracer_provider=tracer_provider)

    def finished() -> list[ReadableSpan]:
        gc.collect()
        assert draining.drain(120)
        return list(exporter.get_finished_spans())

    yield finished
    finished()
    registry.uninstrument()
    assert call.internal_errors() == before


@pytest.fixture(name="make")
async def _make(provider: Provider) -> AsyncGenerator[Make]:
    """Builds clients of the simulated provider and closes them after the test."""
    made: list[tuple[Mode, Any]] = []

    def make(cases: ClientCases, mode: Mode, **options: Any) -> Any:
        client = cases.make(mode, provider, **options)
        made.append((mode, client))
        return client

    yield make
    for mode, client in made:
        if mode == "sync":
            client.close()
        else:
            await client.close()


@pytest.fixture(name="desk")
def _desk(provider: Provider, make: Make, spans: Spans) -> Desk:
    return Desk(provider, make, spans)
