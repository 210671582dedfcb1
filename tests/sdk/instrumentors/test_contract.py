"""Every client file is under this contract as soon as it exists."""

from __future__ import annotations

import ast
import asyncio
import contextvars
import dataclasses
import functools
import importlib
import importlib.util
import json
import pkgutil
import re
from collections.abc import Callable, Coroutine, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.trace import SpanKind, StatusCode
from tests.sdk.instrumentors.conftest import Desk, Spans
from tests.sdk.instrumentors.contract import (
    SECRET_ANSWER,
    SECRET_PROMPT,
    STREAMING,
    ClientCases,
    Mode,
    Operation,
    Shape,
    ask,
    perform,
    take,
)
from tests.support.contracts import OLDEST, Contract, F, under_contract

import spanledger
from spanledger import _registry, _scope, instrumentors, semconv
from spanledger._capture import CAPTURE, VARIABLE
from spanledger._identity import IdentityProcessor
from spanledger_collector.demo.provider import Answer

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


def _one(spans: Spans) -> tuple[ReadableSpan, dict[str, Any]]:
    [span] = spans()
    return span, dict(span.attributes or {})


#: Turns of the event loop, which finishes asynchronous generators that were left: two turns each,
#: from the outermost to ours.
_TURNS = 10
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


def _data_of(value: Any) -> Any:
    """The result as data, without what differs from call to call."""
    if hasattr(value, "model_dump"):
        return _data_of(value.model_dump(mode="json", warnings=False))
    if isinstance(value, dict):
        data: dict[str, Any] = {**value}
        return {name: _data_of(data[name]) for name in data if name not in _OF_ONE_CALL}
    if isinstance(value, list | tuple):
        items: list[Any] = [*value]
        return [_data_of(item) for item in items]
    if isinstance(value, bytes):
        return _data_of(json.loads(value))
    return value if isinstance(value, str | int | float | None) else value.__class__.__name__


def test_every_client_file_has_cases() -> None:
    """The discovery above would have failed for a file without cases; it found all of them."""
    assert {cases.instrumentor.client for cases in CASES} == set(_registry.available())
    assert len(FILES) == len(_registry.available())


def test_every_hole_is_declared() -> None:
    """A behaviour that is not tried on a client fails here, and so does a hole in nothing."""
    assert CONTRACT.gaps() == []


@behaviour()
async def test_a_call_is_told_and_its_result_is_untouched(
    cases: ClientCases,
    operation: Operation,
    mode: Mode,
    desk: Desk,
) -> None:
    """One client span with usage in disjoint buckets; the result is what it is without us."""
    desk.provider.enqueue(operation.answer, operation.answer)
    client = desk.make(cases, mode)
    chunks: list[Any] = []
    bare_chunks: list[Any] = []
    result = await perform(operation, client, mode, chunks=chunks)
    span, attributes = _one(desk.spans)
    _registry.uninstrument()
    bare = await perform(operation, desk.make(cases, mode), mode, chunks=bare_chunks)

    assert isinstance(result, type(bare))
    assert result.__class__ is bare.__class__
    assert _data_of(result) == _data_of(bare)
    assert [chunk.__class__ for chunk in chunks] == [chunk.__class__ for chunk in bare_chunks]
    assert _data_of(chunks) == _data_of(bare_chunks)
    assert bool(bare_chunks) is (operation.shape in STREAMING)
    assert [request.body for request in desk.provider.requests[:1]] == [
        request.body for request in desk.provider.requests[1:]
    ]
    answer = operation.answer
    assert span.name == operation.span_name
    assert span.kind is SpanKind.CLIENT
    assert span.status.status_code is StatusCode.UNSET
    assert attributes[semconv.USAGE_SOURCE] == "provider"
    assert semconv.USAGE_PARTIAL not in attributes
    assert attributes[semconv.USAGE_INPUT_TOKENS] == answer.input_tokens
    assert attributes[semconv.USAGE_OUTPUT_TOKENS] == answer.output_tokens
    buckets = (
        semconv.USAGE_INPUT_UNCACHED_TOKENS,
        semconv.USAGE_CACHE_READ_TOKENS,
        semconv.USAGE_CACHE_WRITE_5M_TOKENS,
        semconv.USAGE_CACHE_WRITE_1H_TOKENS,
    )
    assert sum(attributes.get(name, 0) for name in buckets) == answer.input_tokens
    assert attributes[semconv.USAGE_CACHE_READ_TOKENS] == answer.cache_read_tokens
    assert attributes.get(semconv.USAGE_CACHE_WRITE_5M_TOKENS, 0) == answer.cache_write_5m_tokens
    assert attributes.get(semconv.USAGE_CACHE_WRITE_1H_TOKENS, 0) == answer.cache_write_1h_tokens
    assert attributes[semconv.USAGE_BILLED_OUTPUT_TOKENS] == answer.output_tokens
    thought = attributes.get(semconv.USAGE_REASONING_OUTPUT_TOKENS, 0)
    assert thought == answer.reasoning_tokens
    searches = attributes.get(semconv.USAGE_UNITS_PREFIX + semconv.UNIT_WEB_SEARCHES, 0)
    assert searches == answer.web_search_requests
    assert attributes.get(semconv.RETRY_COUNT, 0) == 0
    assert attributes[semconv.ATTEMPT_NUMBER] == 1
    assert attributes[semconv.SERVER_ADDRESS] == cases.host
    assert attributes[semconv.PROVIDER_NAME] == (cases.provider or cases.instrumentor.provider)


@behaviour()
async def test_the_model_that_answered_is_told(
    cases: ClientCases, operation: Operation, mode: Mode, desk: Desk
) -> None:
    """As the answer names it."""
    desk.provider.enqueue(operation.answer)
    await perform(operation, desk.make(cases, mode), mode)
    _, attributes = _one(desk.spans)
    expected = operation.answered_by or attributes[semconv.REQUEST_MODEL]
    assert attributes.get(semconv.RESPONSE_MODEL) == expected


@behaviour(each=False)
async def test_no_content_is_captured(
    cases: ClientCases,
    operation: Operation,
    mode: Mode,
    desk: Desk,
) -> None:
    """Neither prompt nor answer is anywhere on the span."""
    desk.provider.enqueue(operation.answer)
    await perform(operation, desk.make(cases, mode), mode)
    span, _ = _one(desk.spans)
    told = span.to_json()
    assert SECRET_PROMPT not in told
    assert SECRET_ANSWER not in told
    assert "secret" not in told


@pytest.fixture(name="asks_for_content")
def _asks_for_content(
    desk: Desk, tracer_provider: TracerProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The variable is read when the clients are instrumented."""
    monkeypatch.setattr(CAPTURE, "on", CAPTURE.on)  # as it was, afterwards
    monkeypatch.setenv(VARIABLE, "SPAN_ONLY")
    _registry.instrument(tracer_provider=tracer_provider)


@behaviour(each=False)
async def test_content_is_captured_when_it_is_asked_for(
    cases: ClientCases, operation: Operation, mode: Mode, desk: Desk, asks_for_content: None
) -> None:
    """By the standard variable, in the conventions' form: prompt and answer, each once."""
    desk.provider.enqueue(operation.answer)
    await perform(operation, desk.make(cases, mode), mode)
    _, attributes = _one(desk.spans)
    [asked] = json.loads(attributes[semconv.INPUT_MESSAGES])
    [said] = json.loads(attributes[semconv.OUTPUT_MESSAGES])
    assert asked["role"] == "user"
    assert [part["content"] for part in asked["parts"]] == [SECRET_PROMPT]
    assert said["role"] == "assistant"
    assert [part["content"] for part in said["parts"]] == [SECRET_ANSWER]


@behaviour()
async def test_the_clients_own_retries_are_told(
    cases: ClientCases,
    operation: Operation,
    mode: Mode,
    desk: Desk,
) -> None:
    """Two failed HTTP attempts behind one call: their reasons and waits are on its span."""
    desk.provider.enqueue(
        Answer(status=429, retry_after_seconds=0.02),
        Answer(status=503, retry_after_seconds=0.01),
        operation.answer,
    )
    await perform(operation, desk.make(cases, mode), mode)
    _, attributes = _one(desk.spans)
    assert attributes[semconv.RETRY_COUNT] == 2
    assert attributes[semconv.ATTEMPT_NUMBER] == 3
    assert attributes[semconv.RETRY_REASON] == ("429", "503")
    waits = attributes[semconv.RETRY_WAIT_SECONDS]
    assert waits[0] >= 0.02
    assert waits[1] >= 0.01
    assert attributes[semconv.USAGE_SOURCE] == "provider"


@behaviour(each=False)
async def test_a_failed_call_raises_as_before_and_is_told(
    cases: ClientCases,
    operation: Operation,
    mode: Mode,
    desk: Desk,
) -> None:
    """The exception is the client's own; the span says why, and claims no tokens."""
    desk.provider.enqueue(Answer(status=400), Answer(status=400))
    with pytest.raises(Exception) as caught:  # noqa: PT011 - compared with the bare one below
        await perform(operation, desk.make(cases, mode), mode)
    span, attributes = _one(desk.spans)
    _registry.uninstrument()
    with pytest.raises(type(caught.value)):
        await perform(operation, desk.make(cases, mode), mode)
    assert span.status.status_code is StatusCode.ERROR
    assert attributes[semconv.ERROR_TYPE] == "400"
    assert attributes.get(semconv.RETRY_COUNT, 0) == 0
    assert attributes[semconv.USAGE_SOURCE] == "missing"
    assert semconv.USAGE_INPUT_TOKENS not in attributes


@behaviour(each=False)
async def test_the_last_failed_attempt_is_told_too(
    cases: ClientCases,
    operation: Operation,
    mode: Mode,
    desk: Desk,
) -> None:
    """Retries that never succeed: the last failure is the call's error, the others its retries."""
    refused = Answer(status=429, retry_after_seconds=0.001)
    desk.provider.enqueue(refused, refused)
    with pytest.raises(Exception, match=r"429|RateLimit"):
        await perform(operation, desk.make(cases, mode, max_retries=1), mode)
    _, attributes = _one(desk.spans)
    assert attributes[semconv.RETRY_COUNT] == 1
    assert attributes[semconv.RETRY_REASON] == ("429",)
    assert attributes[semconv.ERROR_TYPE] == "429"


@behaviour(Shape.WHOLE, mode="sync", each=False)
async def test_the_applications_retry_and_rework_are_told(
    cases: ClientCases,
    operation: Operation,
    mode: Mode,
    desk: Desk,
    tracer_provider: TracerProvider,
) -> None:
    """A call fails, is made again and answered, and made once more: each names the one before."""
    desk.provider.enqueue(Answer(status=400), operation.answer, operation.answer)
    client = desk.make(cases, mode)
    with tracer_provider.get_tracer("user").start_as_current_span("user"), spanledger.agent("a"):
        with pytest.raises(Exception):  # noqa: B017, PT011 - the client's own
            await perform(operation, client, mode)
        await perform(operation, client, mode)
        await perform(operation, client, mode)
    told = [span for span in desk.spans() if span.name == operation.span_name]
    told.sort(key=lambda span: span.start_time or 0)
    failed, again, anew = [(span.context, span.attributes or {}) for span in told]
    assert semconv.RETRY_OF not in failed[1]
    assert failed[0] is not None
    assert again[0] is not None
    assert again[1][semconv.RETRY_OF] == f"{failed[0].span_id:016x}"
    assert again[1][semconv.RETRY_CAUSE] == "400"
    assert anew[1][semconv.REWORK_OF] == f"{again[0].span_id:016x}"
    assert semconv.RETRY_OF not in anew[1]


@behaviour(Shape.WHOLE, Shape.STREAM, Shape.GENERATOR, each=False)
async def test_reasoning_is_told_as_a_part_of_the_output(
    cases: ClientCases, operation: Operation, mode: Mode, desk: Desk
) -> None:
    """As far as the provider counts it."""
    desk.provider.enqueue(dataclasses.replace(operation.answer, reasoning_tokens=30))
    await perform(operation, desk.make(cases, mode), mode)
    _, attributes = _one(desk.spans)
    assert attributes[semconv.USAGE_REASONING_OUTPUT_TOKENS] == 30
    assert attributes[semconv.USAGE_OUTPUT_TOKENS] == operation.answer.output_tokens


@behaviour(each=False)
async def test_a_timeout_is_told(
    cases: ClientCases,
    operation: Operation,
    mode: Mode,
    desk: Desk,
) -> None:
    """A server that accepts and never answers."""
    desk.provider.enqueue(Answer(hang=True))
    client = desk.make(cases, mode, timeout=0.1, max_retries=0)
    with pytest.raises(Exception) as caught:  # noqa: PT011 - the client's own, told by its name
        await perform(operation, client, mode)
    assert "Timeout" in type(caught.value).__name__
    _, attributes = _one(desk.spans)
    assert attributes[semconv.ERROR_TYPE] == "timeout"


@behaviour(each=False)
async def test_the_span_hangs_under_the_users_and_leaves_no_trace_in_the_context(
    cases: ClientCases,
    operation: Operation,
    mode: Mode,
    desk: Desk,
    tracer_provider: TracerProvider,
) -> None:
    """Its parent is the user's span, which is current again after the call."""
    desk.provider.enqueue(operation.answer)
    client = desk.make(cases, mode)
    with tracer_provider.get_tracer("user").start_as_current_span("user's work") as outer:
        await perform(operation, client, mode)
        assert trace.get_current_span() is outer
    [told] = [span for span in desk.spans() if span.name == operation.span_name]
    assert told.parent is not None
    assert told.parent.span_id == outer.get_span_context().span_id


@contextmanager
def _agent(tracer_provider: TracerProvider, name: str) -> Generator[str]:
    """The block is a run of this agent under a span of its name; gives the run's id."""
    tracer = tracer_provider.get_tracer("user")
    with spanledger.agent(name), tracer.start_as_current_span(name) as outer:
        run_id = _scope.current_run_id()
        assert run_id
        yield run_id
        assert _scope.current_run_id() == run_id
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
    span, attributes = _one(desk.spans)
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
    for _ in range(_TURNS):
        await asyncio.sleep(0)
    span, attributes = _one(desk.spans)
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
    span, attributes = _one(desk.spans)
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
    _, attributes = _one(desk.spans)
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


@behaviour(Shape.WHOLE, Shape.STREAM, Shape.GENERATOR, Shape.HELPER, mode="async")
async def test_cancellation_ends_the_span(
    cases: ClientCases,
    operation: Operation,
    mode: Mode,
    desk: Desk,
) -> None:
    """A cancelled task raises ``CancelledError`` as before, and its call is told."""
    desk.provider.enqueue(Answer(hang=True))
    task = asyncio.ensure_future(perform(operation, desk.make(cases, mode), mode))
    while not desk.provider.requests:  # noqa: ASYNC110 - the server's thread has no event of this loop
        await asyncio.sleep(0.005)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    span, attributes = _one(desk.spans)
    assert attributes[semconv.ERROR_TYPE] == "CancelledError"
    assert span.status.status_code is StatusCode.ERROR


@behaviour(Shape.WHOLE, each=False)
async def test_calls_at_once_keep_their_own_parents(
    cases: ClientCases,
    operation: Operation,
    mode: Mode,
    desk: Desk,
    tracer_provider: TracerProvider,
) -> None:
    """In tasks, or in threads that were given the context: each hangs under its own span."""
    tracer = tracer_provider.get_tracer("user")
    client = desk.make(cases, mode)

    async def work(number: int) -> None:
        with tracer.start_as_current_span(f"task {number}"):
            await asyncio.sleep(0)  # the other tasks have begun
            if mode == "async":
                await perform(operation, client, mode)
            else:
                await asyncio.to_thread(operation.call, client)

    await asyncio.gather(*(work(number) for number in range(5)))
    finished = desk.spans()
    parents = {span.context.span_id: span.name for span in finished if span.context}
    told = [span for span in finished if span.name == operation.span_name]
    assert len(told) == 5
    assert {parents[span.parent.span_id] for span in told if span.parent} == {
        f"task {number}" for number in range(5)
    }


@behaviour(Shape.WHOLE, each=False)
async def test_the_request_is_the_applications(
    cases: ClientCases, operation: Operation, mode: Mode, desk: Desk
) -> None:
    """The prompt reaches the provider as the application gave it, once."""
    await perform(operation, desk.make(cases, mode), mode)
    [request] = desk.provider.requests
    assert SECRET_PROMPT in json.dumps(request.body)
    assert len(desk.spans()) == 1


#: Names of the clients' that begin with an underscore, as our source says them in strings: the
#: linter forbids to say them otherwise.
_PRIVATE = re.compile(r"_[a-z]\w*")


@functools.cache
def _readers_of_private_names() -> dict[str, set[str]]:
    """Module of ours -> the private names that it looks up with ``getattr``."""
    found: dict[str, set[str]] = {}
    for module in pkgutil.walk_packages(spanledger.__path__, "spanledger."):
        spec = importlib.util.find_spec(module.name)
        source = Path(str(spec.origin)).read_text(encoding="utf-8") if spec else ""
        names = {
            node.args[1].value
            for node in ast.walk(ast.parse(source))
            if isinstance(node, ast.Call)
            and getattr(node.func, "id", "") in ("getattr", "hasattr")
            and isinstance(node.args[1], ast.Constant)
            and _PRIVATE.fullmatch(str(node.args[1].value))
        }
        if names:
            found[module.name] = {str(name) for name in names}
    return found


def test_private_names_of_clients_are_few_and_known() -> None:
    """Whoever adds one sees that the contract hides it below."""
    found = {name for names in _readers_of_private_names().values() for name in names}
    assert found == {
        "_client",
        "_base_url",
        "_api_client",
        "_hidden_params",
        "_self_sink",
        "_self_enabled",
    }


@behaviour(each=False)
async def test_a_private_name_that_moved_is_less_told(
    cases: ClientCases,
    operation: Operation,
    mode: Mode,
    desk: Desk,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """No private attribute of the client is where we look for it: the call and its usage are told.

    It is hidden from us alone; the client itself goes on with it.
    """

    def moved(owner: object, name: str, *default: object) -> object:
        if _PRIVATE.fullmatch(name) and not type(owner).__module__.startswith("spanledger"):
            name = f"{name}_moved"
        return getattr(owner, name, *default)

    for module in _readers_of_private_names():
        monkeypatch.setattr(importlib.import_module(module), "getattr", moved, raising=False)
    desk.provider.enqueue(operation.answer)
    await perform(operation, desk.make(cases, mode), mode)
    span, attributes = _one(desk.spans)
    assert span.name == operation.span_name
    assert attributes[semconv.USAGE_SOURCE] in ("provider", "estimated")
    assert attributes[semconv.USAGE_INPUT_TOKENS] > 0
    assert attributes[semconv.SERVER_ADDRESS] == "127.0.0.1"
