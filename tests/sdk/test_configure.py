"""``init`` and the life of a process, in real child processes with a real receiver."""

from __future__ import annotations

import pytest
from tests.support.interpreter import run
from tests.support.otlp_receiver import GrpcReceiver, HttpReceiver

ONE_AGENT = """
    import spanledger
    spanledger.init(instrument=False)
    with spanledger.agent("planner"):
        pass
"""


def test_the_environment_is_enough() -> None:
    """Endpoint, headers and resource come from the standard variables; the exit flushes."""
    with HttpReceiver() as receiver:
        finished = run(
            ONE_AGENT,
            {
                "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url,
                "OTEL_EXPORTER_OTLP_HEADERS": "x-key=k%20v",
                "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip",
                "OTEL_SERVICE_NAME": "shop",
                "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=test",
                "SPANLEDGER_TENANT": "acme",
                # Longer than the program lives: only the end of the process can have sent it.
                "OTEL_BSP_SCHEDULE_DELAY": "60000",
            },
        )
    assert receiver.names == ["invoke_agent planner"]
    assert receiver.headers[0]["x-key"] == "k v"
    resource = receiver.requests[0].resource_spans[0]
    attributes = {item.key: item.value.string_value for item in resource.resource.attributes}
    assert attributes["service.name"] == "shop"
    assert attributes["deployment.environment.name"] == "test"
    span = resource.scope_spans[0].spans[0]
    assert {"acme"} == {
        item.value.string_value for item in span.attributes if item.key == "spanledger.tenant.id"
    }
    assert finished.stderr == ""


def test_grpc_by_the_environment() -> None:
    """The same program over gRPC."""
    with GrpcReceiver() as receiver:
        finished = run(
            ONE_AGENT,
            {
                "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": receiver.url,
                "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc",
            },
        )
    assert receiver.names == ["invoke_agent planner"]
    assert finished.stderr == ""


def test_arguments_win_over_the_environment() -> None:
    """What the program says beats what the environment says."""
    with HttpReceiver() as receiver:
        run(
            f"""
            import spanledger
            spanledger.init(endpoint={receiver.url!r}, service_name="mine", instrument=False)
            with spanledger.task("t"):
                pass
            assert spanledger.flush(10)
            print(spanledger.delivery())
            """,
            {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_SERVICE_NAME": "theirs"},
        )
    assert receiver.names == ["task t"]
    resource = receiver.requests[0].resource_spans[0].resource
    assert "mine" in {item.value.string_value for item in resource.attributes}


def test_an_existing_provider_is_added_to() -> None:
    """The application's provider stays, keeps its exporter, and its spans get the identity."""
    with HttpReceiver() as receiver:
        finished = run(
            f"""
            from opentelemetry import trace
            from opentelemetry.sdk.trace import TracerProvider
            from opentelemetry.sdk.trace.export import SimpleSpanProcessor
            from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
            import spanledger
            provider, memory = TracerProvider(), InMemorySpanExporter()
            provider.add_span_processor(SimpleSpanProcessor(memory))
            trace.set_tracer_provider(provider)
            spanledger.init(endpoint={receiver.url!r}, instrument=False)
            assert trace.get_tracer_provider() is provider
            with spanledger.agent("planner"):
                trace.get_tracer("theirs").start_span("foreign").end()
            print([span.attributes.get("spanledger.run.id") is not None
                   for span in memory.get_finished_spans()])
            """
        )
    assert finished.stdout.strip() == "[True, True]"
    assert receiver.names == ["foreign", "invoke_agent planner"]
    assert finished.stderr == ""


def test_a_provider_that_takes_no_processors_is_one_warning() -> None:
    """A provider that is not the SDK's leaves telemetry off, with a reason."""
    finished = run(
        """
        from opentelemetry import trace
        import spanledger
        trace.set_tracer_provider(trace.NoOpTracerProvider())
        spanledger.init(instrument=False)
        with spanledger.agent("planner"):
            print("ran")
        """
    )
    assert finished.stdout.strip() == "ran"
    assert len(finished.stderr.splitlines()) == 1
    assert "takes no span processors" in finished.stderr


def test_init_twice_does_nothing_more() -> None:
    """The second call changes nothing; it warns only when it asks for something else."""
    with HttpReceiver() as receiver:
        finished = run(
            f"""
            import spanledger
            for _ in range(3):
                spanledger.init(endpoint={receiver.url!r}, instrument=False)
            spanledger.init(endpoint={receiver.url!r}, tenant="other", instrument=False)
            with spanledger.task("once"):
                pass
            """
        )
    assert receiver.names == ["task once"]
    (line,) = finished.stderr.splitlines()
    assert "other values of tenant" in line


def test_init_after_shutdown_starts_again() -> None:
    """shutdown() delivers; a later init() works, and stamps each span once."""
    with HttpReceiver() as receiver:
        finished = run(
            f"""
            import spanledger
            for name in ("first", "second"):
                spanledger.init(endpoint={receiver.url!r}, tenant=name, instrument=False)
                with spanledger.task(name):
                    pass
                spanledger.shutdown()
                print(spanledger.delivery().sent)
            """
        )
    assert receiver.names == ["task first", "task second"]
    assert finished.stdout.split() == ["1", "1"]
    assert finished.stderr == ""


def test_disabled_by_the_standard_variable() -> None:
    """OTEL_SDK_DISABLED leaves everything alone."""
    finished = run(
        """
        import sys, spanledger
        spanledger.init()
        with spanledger.agent("planner"):
            pass
        print(spanledger.flush(), spanledger.delivery().accepted, "openai" in sys.modules)
        """,
        {"OTEL_SDK_DISABLED": "True"},
    )
    assert finished.stdout.split() == ["True", "0", "False"]
    assert finished.stderr == ""


def test_an_unknown_client_is_one_warning() -> None:
    """A name that no instrumentor has is told; the rest of telemetry works."""
    with HttpReceiver() as receiver:
        finished = run(
            f"""
            import spanledger
            spanledger.init(endpoint={receiver.url!r}, instrument=["no-such-client"])
            with spanledger.task("t"):
                pass
            """
        )
    assert receiver.names == ["task t"]
    (line,) = finished.stderr.splitlines()
    assert "no-such-client" in line


def test_clients_are_patched_and_put_back() -> None:
    """init() patches the client libraries, shutdown() restores the very same methods."""
    finished = run(
        """
        import openai, spanledger
        before = openai.resources.chat.Completions.create
        spanledger.init(exporter="none", instrument=["openai"])
        patched = openai.resources.chat.Completions.create is not before
        spanledger.flush(1)
        spanledger.shutdown()
        print(patched, openai.resources.chat.Completions.create is before)
        """
    )
    assert finished.stdout.split() == ["True", "True"]


def test_an_exporter_object() -> None:
    """An exporter of the application is delivered to like the collector."""
    finished = run(
        """
        import spanledger
        from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
        memory = InMemorySpanExporter()
        spanledger.init(exporter=memory, instrument=False)
        with spanledger.task("t"):
            pass
        print(spanledger.flush(10), [span.name for span in memory.get_finished_spans()])
        """
    )
    assert finished.stdout.strip() == "True ['task t']"


@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json", "http/json"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "not a url", "not a url"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "zstd", "zstd"),
        ("OTEL_TRACES_EXPORTER", "zipkin", "zipkin"),
    ],
)
def test_a_wrong_setting_is_one_warning(variable: str, value: str, says: str) -> None:
    """What cannot be used is named in one line; the program runs without telemetry."""
    finished = run(ONE_AGENT + "    print('ran')\n", {variable: value})
    assert finished.stdout.strip() == "ran"
    (line,) = finished.stderr.splitlines()
    assert line.startswith("telemetry is off")
    assert says in line


def test_a_wrong_setting_can_be_corrected() -> None:
    """The same wrong call is told once; a call with other arguments is a new try."""
    with HttpReceiver() as receiver:
        finished = run(
            f"""
            import spanledger
            for _ in range(3):
                spanledger.init(endpoint="nonsense", instrument=False)
            spanledger.init(endpoint={receiver.url!r}, instrument=False)
            with spanledger.task("t"):
                pass
            """
        )
    assert receiver.names == ["task t"]
    assert len(finished.stderr.splitlines()) == 1


def test_console_and_none() -> None:
    """OTEL_TRACES_EXPORTER=console prints, none sends nothing anywhere."""
    console = run(ONE_AGENT, {"OTEL_TRACES_EXPORTER": "console"})
    assert '"name": "invoke_agent planner"' in console.stdout
    nothing = run(ONE_AGENT, {"OTEL_TRACES_EXPORTER": "none"})
    assert (nothing.stdout, nothing.stderr) == ("", "")


def test_propagators_without_baggage_are_told() -> None:
    """A propagator that would lose the run between services is a warning."""
    environment = {"OTEL_PROPAGATORS": "tracecontext", "OTEL_TRACES_EXPORTER": "none"}
    finished = run(ONE_AGENT, environment)
    assert "carries no baggage" in finished.stderr
