"""A simulated model, instrumented frameworks, and the spans they made."""

from __future__ import annotations

import gc
import os
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass

import openai
import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from tests.sdk.frameworks.contract import Endpoint, Probe, Script, is_held_here
from tests.support.wires import google_wire

from spanledger._calls import call, draining
from spanledger._frameworks import asking
from spanledger._patches import registry
from spanledger._work.identity import IdentityProcessor
from spanledger_collector.demo.provider import Provider

Spans = Callable[[], list[ReadableSpan]]

#: Tests of frameworks that are held in another environment (``test_environment.py`` runs them).
collect_ignore = [
    f"test_{name}.py" for name in registry.available_frameworks() if not is_held_here(name)
]


@dataclass
class Desk:
    """What a contract test works with."""

    endpoint: Endpoint
    script: Script
    probe: Probe
    spans: Spans
    tracer_provider: TracerProvider

    @property
    def provider(self) -> Provider:
        """The simulated provider."""
        return self.endpoint.provider

    @contextmanager
    def plain(self) -> Generator[None]:
        """The block runs without us."""
        registry.uninstrument()
        try:
            yield
        finally:
            registry.instrument(tracer_provider=self.tracer_provider)


@pytest.fixture(scope="session", autouse=True)
def _no_telemetry_of_theirs(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Frameworks that report home by themselves are told not to (there is no network here)."""
    os.environ.update(
        LANGSMITH_TRACING="false",
        CREWAI_DISABLE_TELEMETRY="true",
        CREWAI_TESTING="true",  # asks nobody whether to send traces
        CREWAI_STORAGE_DIR=str(tmp_path_factory.mktemp("crewai")),
        OTEL_SDK_DISABLED="false",
    )


@pytest.fixture(scope="module", autouse=True)
def _frozen_objects() -> Generator[None]:
    """What the tests of a module left behind is collected after the last one."""
    gc.collect()
    yield
    gc.unfreeze()


@pytest.fixture(autouse=True)
def _quick_collections(_frozen_objects: None) -> None:
    """The frameworks' own objects do not have to be looked through by each ``gc.collect``."""
    gc.freeze()


@pytest.fixture(name="script")
def _script() -> Script:
    return Script()


@pytest.fixture(name="endpoint")
async def _endpoint(script: Script) -> AsyncGenerator[Endpoint]:
    """Plain HTTP: there are no certificates to load."""
    with (
        Provider(default=script, routes=google_wire.ROUTES) as provider,
        openai.DefaultHttpxClient(verify=False) as http,
    ):
        async with openai.DefaultAsyncHttpxClient(verify=False) as async_http:
            yield Endpoint(provider, http, async_http)


@pytest.fixture(name="desk")
def _desk(endpoint: Endpoint, script: Script) -> Generator[Desk]:
    """Instruments everything; a test that leaves an error of ours behind fails."""
    asking.WAYS.forget()  # what earlier tests taught
    tracer_provider = TracerProvider(shutdown_on_exit=False)
    exporter = InMemorySpanExporter()
    tracer_provider.add_span_processor(IdentityProcessor())
    tracer_provider.add_span_processor(SimpleSpanProcessor(exporter))
    before = call.internal_errors()
    registry.instrument(tracer_provider=tracer_provider)

    def finished() -> list[ReadableSpan]:
        gc.collect()
        assert draining.drain(120)
        return list(exporter.get_finished_spans())

    yield Desk(endpoint, script, Probe(), finished, tracer_provider)
    finished()
    registry.uninstrument()
    tracer_provider.shutdown()
    assert call.internal_errors() == before
