"""What fails, is asked again, takes too long or is cancelled, on every client."""

from __future__ import annotations

import asyncio

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import StatusCode
from tests.sdk.instrumentors.behaviours import (
    behaviour,
    one,
)
from tests.sdk.instrumentors.conftest import Desk
from tests.sdk.instrumentors.contract import (
    ClientCases,
    Mode,
    Operation,
    Shape,
    perform,
)

import spanledger
from spanledger import semconv
from spanledger._patches import registry
from spanledger_collector.demo.provider import Answer


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
    _, attributes = one(desk.spans)
    assert attributes[semconv.RETRY_COUNT] == 2
    assert attributes[semconv.ATTEMPT_NUMBER] == 3
    assert attributes[semconv.RETRY_REASON] == ("429", "503")
    waits = attributes[semconv.RETRY_WAIT_SECONDS]
    assert waits[0] >= 0.02
    assert waits[1] >= 0.01
    lasted = attributes[semconv.RETRY_ATTEMPT_SECONDS]
    assert len(lasted) == 2
    assert min(lasted) > 0
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
    span, attributes = one(desk.spans)
    registry.uninstrument()
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
    _, attributes = one(desk.spans)
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
    _, attributes = one(desk.spans)
    assert attributes[semconv.ERROR_TYPE] == "timeout"


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
    span, attributes = one(desk.spans)
    assert attributes[semconv.ERROR_TYPE] == "CancelledError"
    assert span.status.status_code is StatusCode.ERROR
