"""How a client's streams are told, whoever reads them and however they end."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Coroutine, Generator
from contextlib import contextmanager
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import StatusCode
from tests.sdk.instrumentors.behaviours import (
    TURNS,
    behaviour,
    one,
)
from tests.sdk.instrumentors.conftest import Desk
from tests.sdk.instrumentors.contract import (
    SECRET_ANSWER,
    STREAMING,
    ClientCases,
    Mode,
    Operation,
    Shape,
    ask,
    perform,
    take,
)
from tests.support.contracts import OLDEST

import spanledger
from spanledger import semconv
from spanledger._work import scope
from spanledger._work.identity import IdentityProcessor
from spanledger_collector.demo.provider import Answer


@contextmanager
def _agent(tracer_provider: TracerProvider, name: str) -> Generator[str]:
    """The block is a run of this agent under a span of its name; gives the run's id."""
    tracer = tracer_provider.get_tracer("user")
    with spanledger.agent(name), tracer.start_as_current_span(name) as outer:
        run_id = scope.current_run_id()
        assert run_id
        yield run_id
        assert scope.current_run_id() == run_id
        assert trace.get_current_span().get_span_context() == outer.get_span_context()


async def _without_context(work: Coroutine[Any, Any, Any], mode: Mode) -> None:
    """In a plain thread; asynchronous work in a task of the same loop, which its client needs."""
    if mode == "async":
        await contextvars.Context().run(asyncio.ensure_future, work)
    else:
        await asyncio.get_running_loop().run_in_executor(None, asyncio.run, work)


@behaviour(*STREAMING, each=False)
@pytest.mark.parametrize("reader", ["another agent", "nobody"])
async def test_a_stream_read_elsewhere_belongs_to_its_maker(
    cases: ClientCases,
    operation: Operation,
    mode: Mode,
    *,
    reader: str,
    desk: Desk,
    tracer_provider: TracerProvider,
) -> None:
    """An agent returned it: the call has its run and parent, and the reader keeps its own."""
    tracer_provider.add_span_processor(IdentityProcessor())
    desk.provider.enqueue(operation.answer)
    client = desk.make(cases, mode)
    with _agent(tracer_provider, "maker") as run_id:
        made = await ask(operation, client, mode)
    if reader == "nobody":
        await _without_context(take(operation, made, mode), mode)
    else:
        with _agent(tracer_provider, "reader"):
            await take(operation, made, mode)
    finished = {span.name: span for span in desk.spans()}
    told, maker = finished[operation.span_name], finished["maker"]
    assert told.parent == maker.context
    assert (told.attributes or {})[semconv.RUN_ID] == run_id
    assert (told.attributes or {})[semconv.AGENT_NAME] == "maker"


@behaviour(*STREAMING)
async def test_a_stream_tells_the_time_to_its_first_chunk(
    cases: ClientCases,
    operation: Operation,
    mode: Mode,
    desk: Desk,
) -> None:
    """Between the start of the call and its end."""
    desk.provider.enqueue(operation.answer)
    await perform(operation, desk.make(cases, mode), mode)
    span, attributes = one(desk.spans)
    assert span.end_time is not None
    assert span.start_time is not None
    seconds = (span.end_time - span.start_time) / 1e9
    assert 0 < attributes[semconv.RESPONSE_TIME_TO_FIRST_CHUNK] <= seconds
    assert attributes[semconv.REQUEST_STREAM] is True


async def _close(stream: Any, mode: Mode) -> None:
    """As its client closes it. Some old versions close by the response only, or not at all."""
    names = ("aclose", "close") if mode == "async" else ("close",)
    for owner in (stream, getattr(stream, "response", None)):
        theirs = getattr(owner, "__wrapped__", owner)
        name = next((name for name in names if hasattr(theirs, name)), "")
        if name:
            closing = getattr(owner, name)()
            if mode == "async":
                await closing
            return
    assert OLDEST


@behaviour(Shape.STREAM, Shape.GENERATOR, Shape.HELPER)
@pytest.mark.parametrize("way", ["close", "forget"])
# A connection that is forgotten with its stream warns of itself, with us and without us.
@pytest.mark.filterwarnings("ignore:Exception ignored in. <socket")
async def test_a_stream_left_early_ends_its_span_as_partial(
    cases: ClientCases,
    operation: Operation,
    mode: Mode,
    way: str,
    desk: Desk,
) -> None:
    """Closed, or dropped unclosed: what was read is estimated and marked, and it is no error."""
    desk.provider.enqueue(operation.answer)
    stream = await perform(operation, desk.make(cases, mode), mode, limit=5)
    if way == "close" and operation.shape is not Shape.HELPER:
        await _close(stream, mode)
    del stream
    for _ in range(TURNS):
        await asyncio.sleep(0)
    span, attributes = one(desk.spans)
    assert span.status.status_code is StatusCode.UNSET
    assert attributes[semconv.USAGE_PARTIAL] is True
    assert attributes[semconv.USAGE_SOURCE] == "estimated"
    assert attributes[semconv.USAGE_INPUT_TOKENS] > 0
    low = attributes[semconv.USAGE_OUTPUT_TOKENS_LOW]
    assert low <= attributes[semconv.USAGE_OUTPUT_TOKENS]
    assert attributes[semconv.USAGE_METHOD]


@behaviour(*STREAMING)
async def test_a_broken_stream_raises_and_keeps_what_was_seen(
    cases: ClientCases,
    operation: Operation,
    mode: Mode,
    desk: Desk,
) -> None:
    """The connection breaks after six events: the client's error, a partial and estimated span."""
    broken = Answer(text=SECRET_ANSWER, input_tokens=1000, break_after_events=6)
    desk.provider.enqueue(broken)
    with pytest.raises(Exception, match=r"(?i)connection|ended prematurely"):
        await perform(operation, desk.make(cases, mode), mode)
    span, attributes = one(desk.spans)
    assert span.status.status_code is StatusCode.ERROR
    assert attributes[semconv.ERROR_TYPE] == "connection_error"
    assert attributes[semconv.USAGE_PARTIAL] is True
    assert attributes[semconv.USAGE_SOURCE] == "estimated"


@behaviour(*STREAMING)
async def test_the_answers_id_is_told_of_a_broken_stream(
    cases: ClientCases, operation: Operation, mode: Mode, desk: Desk
) -> None:
    """It joins this span with what other instrumentations and the provider's bill say of it."""
    desk.provider.enqueue(Answer(text=SECRET_ANSWER, break_after_events=6))
    with pytest.raises(Exception, match=r"(?i)connection|ended prematurely"):
        await perform(operation, desk.make(cases, mode), mode)
    _, attributes = one(desk.spans)
    assert attributes.get(semconv.RESPONSE_ID)


@behaviour(Shape.STREAM, Shape.GENERATOR, each=False)
async def test_an_unread_answer_is_told_when_it_is_forgotten(
    cases: ClientCases,
    operation: Operation,
    mode: Mode,
    desk: Desk,
) -> None:
    """Nobody reads or closes the stream: the garbage collector ends the span.

    A stream that is lazy made no request, and there is nothing to tell.
    """
    desk.provider.enqueue(operation.answer)
    value = operation.call(desk.make(cases, mode))
    stream = await value if hasattr(value, "__await__") else value
    assert not desk.spans()
    del stream, value
    told = desk.spans()
    assert len(told) == len(desk.provider.requests) == (operation.shape is Shape.STREAM)
    assert all((span.attributes or {})[semconv.USAGE_PARTIAL] is True for span in told)
