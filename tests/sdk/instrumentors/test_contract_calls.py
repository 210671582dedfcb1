"""What holds of every call of every client: its result, its usage, its place."""

from __future__ import annotations

import asyncio
import dataclasses
import functools
import json
from collections.abc import Mapping
from typing import Any

from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import SpanKind, StatusCode
from tests.sdk.instrumentors.behaviours import (
    behaviour,
    data_of,
    one,
)
from tests.sdk.instrumentors.conftest import Desk
from tests.sdk.instrumentors.contract import (
    SECRET_PROMPT,
    STREAMING,
    ClientCases,
    Mode,
    Operation,
    Shape,
    perform,
)
from tests.support.contracts import check_parts

from spanledger import semconv
from spanledger._patches import registry
from spanledger_collector.demo.provider import Answer


@behaviour()
async def test_a_call_is_told_and_its_result_is_untouched(
    cases: ClientCases,
    operation: Operation,
    mode: Mode,
    desk: Desk,
    holes: tuple[str, ...],
) -> None:
    """One client span with usage in disjoint buckets; the result is what it is without us."""
    desk.provider.enqueue(operation.answer, operation.answer)
    client = desk.make(cases, mode)
    chunks: list[Any] = []
    bare_chunks: list[Any] = []
    result = await perform(operation, client, mode, chunks=chunks)
    span, attributes = one(desk.spans)
    registry.uninstrument()
    bare = await perform(operation, desk.make(cases, mode), mode, chunks=bare_chunks)

    def same() -> None:
        assert result.__class__ is bare.__class__
        assert data_of(result) == data_of(bare)
        assert [chunk.__class__ for chunk in chunks] == [chunk.__class__ for chunk in bare_chunks]
        assert data_of(chunks) == data_of(bare_chunks)
        assert bool(bare_chunks) is (operation.shape in STREAMING)
        first, second = (request.body for request in desk.provider.requests)
        assert first == second

    def told() -> None:
        assert span.name == operation.span_name
        assert span.kind is SpanKind.CLIENT
        assert span.status.status_code is StatusCode.UNSET
        assert semconv.USAGE_PARTIAL not in attributes
        assert attributes.get(semconv.RETRY_COUNT, 0) == 0
        assert attributes[semconv.ATTEMPT_NUMBER] == 1
        assert attributes[semconv.SERVER_ADDRESS] == cases.host
        assert attributes[semconv.PROVIDER_NAME] == (cases.provider or cases.instrumentor.provider)

    def instance() -> None:
        assert isinstance(result, type(bare))

    def source() -> None:
        assert attributes[semconv.USAGE_SOURCE] == "provider"

    check_parts(
        holes,
        {
            "the result is as without us": same,
            "it is an instance of its class": instance,
            "the call is told": told,
            "the provider's usage is the source": source,
            "input is told": functools.partial(_check_input, attributes, operation.answer),
            "cached input is told": functools.partial(_check_cached, attributes, operation.answer),
            "output is told": functools.partial(_check_output, attributes, operation.answer),
        },
    )


_BUCKETS = (
    semconv.USAGE_INPUT_UNCACHED_TOKENS,
    semconv.USAGE_CACHE_READ_TOKENS,
    semconv.USAGE_CACHE_WRITE_5M_TOKENS,
    semconv.USAGE_CACHE_WRITE_1H_TOKENS,
)


def _check_input(attributes: Mapping[str, Any], answer: Answer) -> None:
    assert attributes[semconv.USAGE_INPUT_TOKENS] == answer.input_tokens
    assert sum(attributes.get(name, 0) for name in _BUCKETS) == answer.input_tokens


def _check_cached(attributes: Mapping[str, Any], answer: Answer) -> None:
    assert attributes.get(semconv.USAGE_CACHE_READ_TOKENS) == answer.cache_read_tokens
    assert attributes.get(semconv.USAGE_CACHE_WRITE_5M_TOKENS, 0) == answer.cache_write_5m_tokens
    assert attributes.get(semconv.USAGE_CACHE_WRITE_1H_TOKENS, 0) == answer.cache_write_1h_tokens


def _check_output(attributes: Mapping[str, Any], answer: Answer) -> None:
    assert attributes[semconv.USAGE_OUTPUT_TOKENS] == answer.output_tokens
    assert attributes[semconv.USAGE_BILLED_OUTPUT_TOKENS] == answer.output_tokens
    thought = attributes.get(semconv.USAGE_REASONING_OUTPUT_TOKENS, 0)
    assert thought == answer.reasoning_tokens
    searches = attributes.get(semconv.USAGE_UNITS_PREFIX + semconv.UNIT_WEB_SEARCHES, 0)
    assert searches == answer.web_search_requests


@behaviour()
async def test_the_model_that_answered_is_told(
    cases: ClientCases, operation: Operation, mode: Mode, desk: Desk
) -> None:
    """As the answer names it."""
    desk.provider.enqueue(operation.answer)
    await perform(operation, desk.make(cases, mode), mode)
    _, attributes = one(desk.spans)
    expected = operation.answered_by or attributes[semconv.REQUEST_MODEL]
    assert attributes.get(semconv.RESPONSE_MODEL) == expected


@behaviour(Shape.WHOLE, Shape.STREAM, Shape.GENERATOR, each=False)
async def test_reasoning_is_told_as_a_part_of_the_output(
    cases: ClientCases, operation: Operation, mode: Mode, desk: Desk
) -> None:
    """As far as the provider counts it."""
    desk.provider.enqueue(dataclasses.replace(operation.answer, reasoning_tokens=30))
    await perform(operation, desk.make(cases, mode), mode)
    _, attributes = one(desk.spans)
    assert attributes[semconv.USAGE_REASONING_OUTPUT_TOKENS] == 30
    assert attributes[semconv.USAGE_OUTPUT_TOKENS] == operation.answer.output_tokens


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
