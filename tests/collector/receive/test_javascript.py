"""S61: OpenTelemetry's exporters for JavaScript, over every transport, with their retry on."""

from __future__ import annotations

import asyncio

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from tests.collector.receive.conftest import Inbox, Running, Start
from tests.support.javascript import HOW, found, send

from spanledger_collector.access import Identity
from spanledger_collector.errors import JournalUnavailableError, UnauthenticatedError

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not found(), reason=HOW)]
_KINDS = {"grpc": "grpc", "http-json": "http_json", "http-proto": "http_protobuf"}


def _url(running: Running, kind: str) -> str:
    if kind == "grpc":
        return f"http://127.0.0.1:{running.ports.grpc}"
    return f"http://127.0.0.1:{running.ports.http}/v1/traces"


def _stored(inbox: Inbox) -> list[tuple[str, int]]:
    """Names and the attribute ``tokens`` of the spans."""
    return sorted(
        (span.name, next(a.value.int_value for a in span.attributes if a.key == "tokens"))
        for payload in inbox.payloads
        for resource in ExportTraceServiceRequest.FromString(payload).resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    )


@pytest.mark.parametrize("compression", ["none", "gzip"])
@pytest.mark.parametrize("kind", _KINDS)
async def test_what_is_flushed_is_stored_once(
    start: Start, inbox: Inbox, kind: str, compression: str
) -> None:
    running = await start()
    told = await asyncio.to_thread(send, kind, _url(running, kind), "700", compression)
    assert told == {"faults": []}
    assert _stored(inbox) == sorted((f"chat {n}", n) for n in range(700))


async def test_over_grpc_a_passing_fault_is_told(start: Start, inbox: Inbox) -> None:
    """This exporter does not come back after UNAVAILABLE; it says so to its caller."""
    inbox.error = JournalUnavailableError("disk full: free space")
    told = await asyncio.to_thread(send, "grpc", _url(await start(), "grpc"), "5")
    assert "UNAVAILABLE" in told["faults"][0]


@pytest.mark.parametrize("kind", ["http-json", "http-proto"])
async def test_a_passing_fault_costs_no_span(start: Start, inbox: Inbox, kind: str) -> None:
    inbox.error = JournalUnavailableError("disk full: free space")
    running = await start()
    sending = asyncio.create_task(asyncio.to_thread(send, kind, _url(running, kind), "5"))
    outcome = {"transport": _KINDS[kind], "outcome": "journal_unavailable"}
    while not running.count("requests_total", **outcome):
        assert not sending.done(), sending.result()
        await asyncio.sleep(0.01)
    inbox.error = None
    assert await sending == {"faults": []}
    assert [meaning["span_count"] for meaning in inbox.meanings] == [5]


@pytest.mark.parametrize("kind", _KINDS)
async def test_keys(start: Start, inbox: Inbox, kind: str) -> None:
    def authenticate(key: str | None) -> Identity:
        if key != "right":
            raise UnauthenticatedError("no")
        return Identity("acme")

    running = await start(arguments={"authenticate": authenticate})
    url = _url(running, kind)
    refused = await asyncio.to_thread(send, kind, url, "3", "none", "wrong")
    assert len(refused["faults"]) == 1
    assert await asyncio.to_thread(send, kind, url, "3", "none", "right") == {"faults": []}
    assert [meaning["workspace"] for meaning in inbox.meanings] == ["acme"]
