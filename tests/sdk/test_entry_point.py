"""``opentelemetry-instrument``: a program that knows nothing of us is measured, and told once."""

from __future__ import annotations

from collections import Counter
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.instrumentation.instrumentor import BaseInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from tests.support.launching import launch
from tests.support.otlp_receiver import HttpReceiver

from spanledger._entry_point import SpanledgerInstrumentor
from spanledger._patches import registry

PROGRAM = """
import openai
from opentelemetry import baggage, context, trace
from spanledger._calls import tokens

tokens.count("gpt-4o", ["x"])  # the end of a process does not wait long for the first count
with trace.get_tracer("app").start_as_current_span("root"):
    token = context.attach(baggage.set_baggage("spanledger.run.id", "run-1"))
    client = openai.OpenAI()
    for stream in (False, True):
        answer = client.chat.completions.create(
            model="gpt-4o", messages=[{"role": "user", "content": "x"}], stream=stream
        )
    next(answer)  # and it is still open when the process ends
    context.detach(token)
"""


def received(receiver: HttpReceiver) -> dict[bytes, tuple[str, dict[str, str]]]:
    """Span id -> name and texts on it; fails where a span came twice."""
    spans = [
        span
        for request in receiver.requests
        for resource in request.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]
    assert set(Counter(span.span_id for span in spans).values()) == {1}
    return {
        span.span_id: (span.name, {a.key: a.value.string_value for a in span.attributes})
        for span in spans
    }


def test_the_launcher_loads_us(tmp_path: Path) -> None:
    """Calls and identity, by the launcher's own exporter, each span once; also an open stream."""
    with HttpReceiver() as receiver:
        finished = launch(tmp_path, PROGRAM, receiver.url, SPANLEDGER_TENANT="acme")
    assert finished.stderr == ""
    spans = received(receiver)
    assert sorted(name for name, _ in spans.values()) == ["chat gpt-4o", "chat gpt-4o", "root"]
    assert {texts["spanledger.tenant.id"] for _, texts in spans.values()} == {"acme"}
    calls = [texts for name, texts in spans.values() if name != "root"]
    assert {texts["spanledger.run.id"] for texts in calls} == {"run-1"}
    assert {texts["spanledger.usage.source"] for texts in calls} == {"provider", "estimated"}


def test_an_init_that_asks_for_the_same_adds_no_second_delivery(tmp_path: Path) -> None:
    """The variables made the launcher's exporter already; names of its own still count."""
    program = f"import spanledger\nspanledger.init(tenant='own')\n{PROGRAM}"
    with HttpReceiver() as receiver:
        launch(tmp_path, program, receiver.url)
    spans = received(receiver)
    assert len(spans) == 3
    assert {texts["spanledger.tenant.id"] for _, texts in spans.values()} == {"own"}


def test_an_init_with_an_address_of_its_own_delivers_there_too(tmp_path: Path) -> None:
    with HttpReceiver() as launchers, HttpReceiver() as ours:
        program = f"import spanledger\nspanledger.init(endpoint={ours.url!r})\n{PROGRAM}"
        launch(tmp_path, program, launchers.url)
    assert set(received(launchers)) == set(received(ours))
    assert len(received(ours)) == 3


@pytest.mark.parametrize(
    "environment",
    [{"OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "spanledger"}, {"OTEL_SDK_DISABLED": "true"}],
    ids=lambda value: next(iter(value)),
)
def test_it_can_be_switched_off(tmp_path: Path, environment: dict[str, str]) -> None:
    with HttpReceiver() as receiver:
        launch(tmp_path, PROGRAM, receiver.url, **environment)
    assert set(receiver.names) <= {"root"}


def test_without_a_provider_of_the_launcher_the_applications_own_is_used(tmp_path: Path) -> None:
    """No distribution sets one up: the application does, after us, and may."""
    own = """
        from opentelemetry import trace
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SimpleSpanProcessor
        provider = TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(ConsoleSpanExporter()))
        trace.set_tracer_provider(provider)
    """
    lines = "\n".join(line.strip() for line in own.splitlines())
    with HttpReceiver() as receiver:
        finished = launch(
            tmp_path, f"{lines}\n{PROGRAM}", receiver.url, OTEL_PYTHON_CONFIGURATOR="nobody"
        )
    assert "Overriding" not in finished.stderr
    assert finished.stdout.count('"name": "chat gpt-4o"') == 2
    assert receiver.names == []


def test_the_entry_point_is_what_launchers_expect() -> None:
    """All public methods of the base class, one instance, and nothing that must be installed."""
    (point,) = entry_points(group="opentelemetry_instrumentor", name="spanledger")
    kind: Any = point.load()
    assert kind is SpanledgerInstrumentor
    assert kind() is kind()
    wanted = {name for name in vars(BaseInstrumentor) if not name.startswith("_")}
    assert wanted <= set(dir(kind))
    assert kind().instrumentation_dependencies() == ()


def test_by_hand_with_a_provider_and_back() -> None:
    """The common way to call an instrumentor: patches go on and off, twice does nothing more."""
    from openai.resources.chat.completions import Completions

    bare = Completions.__dict__["create"]
    provider = TracerProvider(shutdown_on_exit=False)
    instrumentor = SpanledgerInstrumentor()
    for _ in range(2):
        instrumentor.instrument(tracer_provider=provider, skip_dep_check=True)
    assert instrumentor.is_instrumented_by_opentelemetry
    assert Completions.__dict__["create"] is not bare
    for _ in range(2):
        instrumentor.uninstrument()
    assert Completions.__dict__["create"] is bare
    assert not instrumentor.is_instrumented_by_opentelemetry


def test_an_error_of_ours_does_not_reach_the_launcher(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(**_: object) -> None:
        raise RuntimeError("half installed")

    monkeypatch.setattr(registry, "instrument", broken)
    SpanledgerInstrumentor().instrument()
    assert not SpanledgerInstrumentor().is_instrumented_by_opentelemetry
    assert "half installed" in caplog.text
