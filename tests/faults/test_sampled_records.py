"""Money past a sampler: whatever keeps one trace in ten keeps every sale."""

from __future__ import annotations

import pytest
from tests.support.interpreter import run
from tests.support.otlp_receiver import HttpReceiver

_SALE = """
    with spanledger.agent("support", tenant="acme"):
        run_id = spanledger.current_run_id()
        span = trace.get_current_span().get_span_context()
        told = spanledger.record_revenue("20.00", external_key="")
        later = spanledger.record_cost("0.05", external_key="ticket-77")
        assets.book_cost("support-ft-7", "120000", record_id="invoice")
    print(run_id, f"{span.trace_id:032x}", f"{span.span_id:016x}", told, later)
"""

_HEAD = """
    from opentelemetry import trace
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
    from opentelemetry.sdk.trace.sampling import *
    import spanledger
    from spanledger import assets

    class RecordOnly(Sampler):
        def should_sample(self, *args, **kwargs):
            return SamplingResult(Decision.RECORD_ONLY)

        def get_description(self):
            return "RecordOnly"

    resource = Resource.create({"service.name": "shop"})
"""


def _attributes(receiver: HttpReceiver) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for request in receiver.requests:
        for resource in request.resource_spans:
            [service] = [
                item.value.string_value
                for item in resource.resource.attributes
                if item.key == "service.name"
            ]
            for scope in resource.scope_spans:
                for span in scope.spans:
                    assert span.name not in found, f"{span.name} was told twice"
                    found[span.name] = {
                        "service": service,
                        "trace": span.trace_id.hex(),
                        "parent": span.parent_span_id.hex(),
                        "span": span.span_id.hex(),
                    } | {item.key: item.value.string_value for item in span.attributes}
    return found


@pytest.mark.parametrize(
    "sampler", ["ALWAYS_OFF", "ParentBased(TraceIdRatioBased(0))", "RecordOnly()"]
)
def test_a_run_that_is_left_out_keeps_its_records(sampler: str) -> None:
    """Same resource, identity, trace and parent; only the records come, and each once."""
    with HttpReceiver() as receiver:
        finished = run(
            _HEAD
            + f"""
    provider = TracerProvider(sampler={sampler}, resource=resource)
    trace.set_tracer_provider(provider)
    spanledger.init(endpoint={receiver.url!r}, instrument=False)
    """
            + _SALE
        )
    run_id, trace_id, span_id, told, later = finished.stdout.split()
    found = _attributes(receiver)
    assert sorted(found) == ["record asset cost", "record expense", "record revenue"]
    revenue = found["record revenue"]
    assert revenue == revenue | {
        "service": "shop",
        "trace": trace_id,
        "parent": span_id,
        "span": told,
        "spanledger.run.id": run_id,
        "spanledger.tenant.id": "acme",
        "spanledger.revenue.amount": "20.00",
    }
    assert found["record expense"]["span"] == later
    assert found["record expense"]["trace"] != trace_id
    assert finished.stderr == ""


def test_a_sampler_of_the_environment_lets_records_through() -> None:
    with HttpReceiver() as receiver:
        run(
            _HEAD + "    spanledger.init(instrument=False)\n" + _SALE,
            {"OTEL_TRACES_SAMPLER": "always_off", "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url},
        )
    assert len(receiver.names) == 3


def test_what_is_sampled_is_told_once() -> None:
    with HttpReceiver() as receiver:
        run(_HEAD + f"    spanledger.init(endpoint={receiver.url!r}, instrument=False)\n" + _SALE)
    assert sorted(_attributes(receiver)) == [
        "invoke_agent support",
        "record asset cost",
        "record expense",
        "record revenue",
    ]


_THEIRS = """
    class Printing(SpanExporter):
        def export(self, spans):
            for span in spans:
                print("THEIRS", span.name)
            return SpanExportResult.SUCCESS

    provider = TracerProvider(sampler=ALWAYS_OFF, resource=resource)
    provider.add_span_processor(BatchSpanProcessor(Printing()))
    trace.set_tracer_provider(provider)
"""


def test_an_exporter_of_the_application_gets_no_records_that_it_did_not_ask_for() -> None:
    """Beside our own delivery theirs is another destination, which the sampler is meant for."""
    with HttpReceiver() as receiver:
        finished = run(
            _HEAD
            + _THEIRS
            + f"    spanledger.init(endpoint={receiver.url!r}, instrument=False)\n"
            + _SALE
        )
    assert len(receiver.names) == 3
    assert "THEIRS" not in finished.stdout


def test_the_only_exporter_there_is_gets_the_records() -> None:
    finished = run(_HEAD + _THEIRS + '    spanledger.init(exporter="none")\n' + _SALE)
    theirs = [line for line in finished.stdout.splitlines() if line.startswith("THEIRS")]
    assert sorted(theirs) == [
        "THEIRS record asset cost",
        "THEIRS record expense",
        "THEIRS record revenue",
    ]


def test_after_shutdown_nothing_is_told() -> None:
    with HttpReceiver() as receiver:
        finished = run(
            _HEAD
            + f"""
    trace.set_tracer_provider(TracerProvider(sampler=ALWAYS_OFF, resource=resource))
    spanledger.init(endpoint={receiver.url!r}, instrument=False)
    spanledger.shutdown()
    spanledger.record_revenue("1")
    print(spanledger.delivery().accepted)
    """
        )
    assert finished.stdout.split() == ["0"]
    assert receiver.names == []
