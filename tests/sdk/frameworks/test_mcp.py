"""Tools of MCP servers, against real servers over every transport that needs no network."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Generator, Mapping
from pathlib import Path
from typing import Any

import pytest
from opentelemetry import baggage
from opentelemetry import context as otel_context
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

import spanledger
from spanledger import config, semconv
from spanledger._guard import internal_errors
from spanledger._patches import registry
from spanledger._work.identity import IdentityProcessor

mcp: Any = pytest.importorskip("mcp")

from tests.support import mcp_tools  # noqa: E402 -- needs what is looked for above

Spans = Callable[[], list[ReadableSpan]]

TRANSPORTS: tuple[mcp_tools.Transport, ...] = (
    ("direct", "streams") if mcp_tools.NEW else ("streams",)
)


@pytest.fixture(name="tracer_provider")
def _tracer_provider() -> Generator[TracerProvider]:
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(IdentityProcessor())
    yield provider
    provider.shutdown()


@pytest.fixture(name="spans")
def _spans(tracer_provider: TracerProvider) -> Generator[Spans]:
    exporter = InMemorySpanExporter()
    tracer_provider.add_span_processor(SimpleSpanProcessor(exporter))
    before = internal_errors()
    registry.instrument(["mcp"], tracer_provider=tracer_provider)
    yield lambda: list(exporter.get_finished_spans())
    registry.uninstrument(["mcp"])
    assert internal_errors() == before


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_call_is_one_tool(spans: Spans, transport: mcp_tools.Transport) -> None:
    async with mcp_tools.session(transport) as session:
        result = await session.call_tool("add", {"a": 1, "b": 2})
    [span] = spans()
    assert type(result) is mcp.types.CallToolResult
    assert result.content[0].text == "3"
    assert (span.name, span.kind) == ("execute_tool add", SpanKind.CLIENT)
    assert span.attributes is not None
    told = dict(span.attributes)
    told.pop(semconv.MCP_PROTOCOL_VERSION, None)  # version 1 does not tell it
    assert told == {
        semconv.OPERATION_NAME: "execute_tool",
        semconv.TOOL_NAME: "add",
        semconv.MCP_METHOD_NAME: "tools/call",
    }
    assert span.status.status_code is StatusCode.UNSET


async def test_a_tool_that_says_it_failed(spans: Spans) -> None:
    async with mcp_tools.session() as session:
        result = await session.call_tool("fail", {})
    [span] = spans()
    assert result.content[0].text.startswith("Error executing tool fail")
    assert span.attributes is not None
    assert span.attributes[semconv.ERROR_TYPE] == "tool_error"
    assert span.status.status_code is StatusCode.ERROR
    assert span.status.description is None
    assert not span.events


async def test_a_request_that_is_refused(spans: Spans) -> None:
    async with mcp_tools.session() as session:
        error = await _error_of(session.call_tool("wait", {}, _seconds(0.01)))
    [span] = spans()
    assert type(error).__name__.lower() == "mcperror"
    assert span.attributes is not None
    assert span.attributes[semconv.ERROR_TYPE] == str(error.error.code)


async def test_a_call_that_is_cancelled(spans: Spans) -> None:
    async with mcp_tools.session() as session:
        call = asyncio.create_task(session.call_tool("wait", {}))
        await asyncio.sleep(0.05)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
    [span] = spans()
    assert span.attributes is not None
    assert span.attributes[semconv.ERROR_TYPE] == "asyncio.exceptions.CancelledError"


IDENTITY = {
    semconv.AGENT_NAME,
    semconv.RUN_ID,
    semconv.TENANT_ID,
    semconv.CONVERSATION_ID,
    f"{semconv.TAG_PREFIX}plan",
}


async def _sent(transport: mcp_tools.Transport) -> tuple[str | None, Mapping[str, str]]:
    """The run that asked, and what its request carried."""
    async with mcp_tools.session(transport) as session:
        mine = otel_context.attach(baggage.set_baggage("mine", "too"))
        with (
            spanledger.agent("asker"),
            spanledger.context(tenant="acme", conversation="c-1", tags={"plan": "pro"}),
        ):
            run = spanledger.current_run_id()
            result = await session.call_tool("context", {}, meta={"mine": "kept"})
            assert spanledger.current_run_id() == run
        otel_context.detach(mine)
    return run, _told(result)


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_the_trace_travels_and_for_whom_stays_here(
    spans: Spans, transport: mcp_tools.Transport
) -> None:
    """A server is somebody else's: it is not told of tenants, runs and tags unless it should."""
    run, sent = await _sent(transport)
    span = next(span for span in spans() if span.name == "execute_tool context")
    assert span.context is not None
    assert span.attributes is not None
    assert span.attributes[semconv.RUN_ID] == run
    assert sent["mine"] == "kept"
    assert f"{span.context.trace_id:032x}" in sent["traceparent"]
    assert sent["baggage"] == "mine=too"  # the application's own


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_identity_travels_where_it_is_asked_for(
    spans: Spans, transport: mcp_tools.Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(config.SPANLEDGER_MCP_IDENTITY, "true")
    run, sent = await _sent(transport)
    entries = dict(entry.split("=") for entry in sent["baggage"].split(","))
    assert set(entries) == {*IDENTITY, "mine"}
    assert (entries[semconv.RUN_ID], entries[semconv.TENANT_ID]) == (run, "acme")
    assert spans()


@pytest.mark.skipif(not mcp_tools.NEW, reason="servers of version 1 read no context")
async def test_another_process_works_in_the_same_trace(spans: Spans) -> None:
    from mcp.client.stdio import stdio_client

    program = mcp.StdioServerParameters(
        command=sys.executable,
        args=["-m", "tests.support.mcp_tools"],
        cwd=Path(__file__).parents[3],
    )
    async with stdio_client(program) as streams, mcp.ClientSession(*streams) as session:
        await session.initialize()
        result = await session.call_tool("context", {})
    [span] = spans()
    assert span.context is not None
    assert _told(result)["current trace"] == f"{span.context.trace_id:032x}"


@pytest.mark.parametrize("told_as", ["add", "tools_add", "tools.add"])
async def test_a_tool_that_the_agent_tells_is_told_once(
    spans: Spans, tracer_provider: TracerProvider, told_as: str
) -> None:
    tracer = tracer_provider.get_tracer("agent framework")
    async with mcp_tools.session() as session:
        with tracer.start_as_current_span(f"execute_tool {told_as}"):
            await session.call_tool("add", {"a": 1, "b": 2})
    [span] = spans()
    assert span.name == f"execute_tool {told_as}"
    assert span.attributes is not None
    assert span.attributes[semconv.MCP_METHOD_NAME] == "tools/call"


async def test_a_tool_inside_another_is_told(spans: Spans, tracer_provider: TracerProvider) -> None:
    tracer = tracer_provider.get_tracer("agent framework")
    async with mcp_tools.session() as session:
        with tracer.start_as_current_span("execute_tool readd"):
            await session.call_tool("add", {"a": 1, "b": 2})
    assert [span.name for span in spans()] == ["execute_tool add", "execute_tool readd"]


async def test_uninstrument_gives_the_method_back(spans: Spans) -> None:
    patched = mcp.ClientSession.call_tool
    registry.uninstrument(["mcp"])
    assert mcp.ClientSession.__dict__["call_tool"] is patched.__wrapped__
    async with mcp_tools.session() as session:
        await session.call_tool("add", {"a": 1, "b": 2})
    assert spans() == []


def _told(result: Any) -> dict[str, str]:
    told = getattr(result, "structured_content", None) or result.structuredContent
    return told.get("result", told)


def _seconds(number: float) -> Any:
    from datetime import timedelta

    return number if mcp_tools.NEW else timedelta(seconds=number)


async def _error_of(call: Any) -> Any:
    with pytest.raises(Exception) as caught:  # noqa: PT011 -- the class has another name in version 1
        await call
    return caught.value
