"""The decorators on generators and asynchronous generators: one span over the whole iteration."""

from __future__ import annotations

import asyncio
import inspect
import pickle
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator
from typing import Any

import pytest
from opentelemetry import trace

import spanledger
from spanledger import semconv
from spanledger.testing import CapturedSpans, capture_spans


@pytest.fixture(name="spans")
def _spans() -> Iterator[CapturedSpans]:
    with capture_spans() as captured:
        yield captured


@spanledger.agent(name="echo")
def echo(first: str) -> Generator[str, str, str]:
    """Yield what is sent, until an empty string; ValueErrors are echoed too."""
    received = yield first
    while received:
        try:
            received = yield f"{received}!"
        except ValueError as error:
            received = yield f"caught {error}"
    return "done"


def test_generator_protocol(spans: CapturedSpans) -> None:
    """send, throw and the return value work as on the bare generator."""
    assert inspect.isgeneratorfunction(echo)
    running = echo("a")
    assert inspect.isgenerator(running)
    assert spans.names() == []
    assert next(running) == "a"
    assert running.send("b") == "b!"
    assert running.throw(ValueError("x")) == "caught x"
    with pytest.raises(StopIteration) as end:
        running.send("")
    assert end.value.value == "done"
    assert semconv.ERROR_TYPE not in spans.attributes("invoke_agent echo")


def test_generator_context_is_current_only_while_its_body_runs(spans: CapturedSpans) -> None:
    """Between two items the caller's span is current; inside, the generator's."""
    inside: list[str] = []

    @spanledger.agent
    def numbers() -> Iterator[int]:
        with spanledger.task("inner"):
            for number in range(2):
                inside.append(current_name())
                yield number
        inside.append(current_name())

    with spanledger.workflow("outer"):
        for _ in numbers():
            assert current_name() == "invoke_workflow outer"
    assert inside == [
        "task inner",
        "task inner",
        "invoke_agent " + numbers.__qualname__.rpartition("<locals>.")[2],
    ]
    assert spans.names() == ["task inner", "invoke_agent numbers", "invoke_workflow outer"]
    inner, agent, outer = spans.spans
    assert inner.parent is not None
    assert agent.context is not None
    assert outer.context is not None
    assert inner.parent.span_id == agent.context.span_id
    assert agent.parent is not None
    assert agent.parent.span_id == outer.context.span_id


def test_interleaved_generators_keep_their_own_runs(spans: CapturedSpans) -> None:
    """Two generators advanced in turns do not see each other's run."""
    seen: dict[str, set[str | None]] = {"a": set(), "b": set()}

    @spanledger.agent
    def stepping(key: str) -> Iterator[None]:
        for _ in range(3):
            seen[key].add(spanledger.current_run_id())
            yield

    for _ in zip(stepping("a"), stepping("b"), strict=True):
        assert spanledger.current_run_id() is None
    assert len(seen["a"]) == len(seen["b"]) == 1
    assert seen["a"] != seen["b"]
    assert spans.names() == ["invoke_agent stepping"] * 2


def test_closing_a_generator_early_is_no_error(spans: CapturedSpans) -> None:
    """close() runs the body's finally, and the span ends without error."""
    cleaned: list[str] = []

    @spanledger.agent
    def numbers() -> Generator[int]:
        try:
            yield 1
            yield 2
        finally:
            cleaned.append(current_name())

    running = numbers()
    next(running)
    running.close()
    assert cleaned == ["invoke_agent numbers"]
    assert semconv.ERROR_TYPE not in spans.attributes("invoke_agent numbers")


def test_an_abandoned_generator_ends_its_span(spans: CapturedSpans) -> None:
    """A generator that nobody finishes ends its span when it is collected."""

    @spanledger.agent
    def numbers() -> Iterator[int]:
        yield 1
        yield 2

    running = numbers()
    next(running)
    del running
    assert spans.names() == ["invoke_agent numbers"]


def test_a_failing_generator(spans: CapturedSpans) -> None:
    """An exception in the body reaches the caller and the span."""

    @spanledger.agent
    def numbers() -> Iterator[int]:
        yield 1
        raise LookupError("x")

    running = numbers()
    next(running)
    with pytest.raises(LookupError):
        next(running)
    assert spans.attributes("invoke_agent numbers")[semconv.ERROR_TYPE] == "LookupError"


async def test_async_generator_protocol(spans: CapturedSpans) -> None:
    """asend, athrow and aclose work as on the bare generator."""

    @spanledger.agent
    async def echo_async(first: str) -> AsyncGenerator[str, str]:
        received = yield first
        while True:
            await asyncio.sleep(0)
            try:
                received = yield f"{received}!"
            except ValueError as error:
                received = yield f"caught {error}"

    assert inspect.isasyncgenfunction(echo_async)
    running = echo_async("a")
    assert await running.__anext__() == "a"
    assert not trace.get_current_span().is_recording()
    assert await running.asend("b") == "b!"
    assert await running.athrow(ValueError("x")) == "caught x"
    await running.aclose()
    assert semconv.ERROR_TYPE not in spans.attributes("invoke_agent echo_async")


async def test_async_generator_run_to_the_end_and_failing(spans: CapturedSpans) -> None:
    """The span covers the whole iteration; an error in the body is told."""

    @spanledger.agent
    async def numbers(*, fail: bool) -> AsyncIterator[int]:
        yield 1
        if fail:
            raise LookupError("x")

    assert [number async for number in numbers(fail=False)] == [1]
    with pytest.raises(LookupError):
        assert [number async for number in numbers(fail=True)]
    fine, failed = spans.spans
    assert semconv.ERROR_TYPE not in (fine.attributes or {})
    assert (failed.attributes or {})[semconv.ERROR_TYPE] == "LookupError"


async def test_cancelling_inside_an_async_generator(spans: CapturedSpans) -> None:
    """Cancellation while the body waits ends the span and stays a cancellation."""
    waiting = asyncio.Event()

    @spanledger.agent
    async def numbers() -> AsyncIterator[int]:
        waiting.set()
        await asyncio.Event().wait()
        yield 1

    async def consume() -> None:
        async for _ in numbers():
            pass

    running = asyncio.create_task(consume())
    await waiting.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert "CancelledError" in spans.attributes("invoke_agent numbers")[semconv.ERROR_TYPE]


def current_name() -> str:
    return getattr(trace.get_current_span(), "name", "")


def _run_and_parent(spans: CapturedSpans, name: str) -> tuple[object, object]:
    """The run that this agent's span says it is below, and the id of the span above it."""
    [span] = [span for span in spans.spans if span.name == f"invoke_agent {name}"]
    above = span.parent.span_id if span.parent else None
    return (span.attributes or {}).get(semconv.RUN_PARENT_ID), above


def _maker_of(spans: CapturedSpans) -> tuple[object, object]:
    [maker] = [span for span in spans.spans if span.name == "invoke_agent maker"]
    assert maker.context is not None
    return (maker.attributes or {})[semconv.RUN_ID], maker.context.span_id


@pytest.mark.parametrize("reader", ["another agent", "nobody"])
def test_a_generator_read_elsewhere_belongs_to_its_maker(spans: CapturedSpans, reader: str) -> None:
    """An agent returned it; its body runs below that agent, whoever reads."""

    @spanledger.agent(name="stepping")
    def stepping() -> Iterator[str]:
        yield current_name()
        yield current_name()

    with spanledger.agent("maker"):
        made = stepping()
    if reader == "nobody":
        assert list(made) == ["invoke_agent stepping"] * 2
    else:
        with spanledger.agent("reader"):
            for name in made:
                assert name == "invoke_agent stepping"
                assert current_name() == "invoke_agent reader"
    assert _run_and_parent(spans, "stepping") == _maker_of(spans)


async def test_an_async_generator_read_elsewhere_belongs_to_its_maker(
    spans: CapturedSpans,
) -> None:
    """The same."""

    @spanledger.agent(name="stepping")
    async def stepping() -> AsyncIterator[str]:
        yield current_name()
        await asyncio.sleep(0)
        yield current_name()

    with spanledger.agent("maker"):
        made = stepping()
    with spanledger.agent("reader"):
        assert [name async for name in made] == ["invoke_agent stepping"] * 2
        assert current_name() == "invoke_agent reader"
    assert _run_and_parent(spans, "stepping") == _maker_of(spans)


class Worker:
    """Methods of every kind that give generators."""

    @spanledger.task
    def own(self) -> Iterator[object]:
        """Of an object."""
        yield self

    @classmethod
    @spanledger.task
    def common(cls) -> Iterator[object]:
        """Of the class."""
        yield cls

    @spanledger.task
    @staticmethod
    def alone(value: object) -> Iterator[object]:
        """Of nothing."""
        yield value


def test_methods_that_give_generators_stay_methods(spans: CapturedSpans) -> None:
    """Bound as before, of the same kind and name, and found again by name."""
    worker = Worker()
    assert list(worker.own()) == [worker]
    assert list(Worker.own(worker)) == [worker]
    assert list(worker.common()) == list(Worker.common()) == [Worker]
    assert list(worker.alone(1)) == list(Worker.alone(1)) == [1]
    assert len(spans.spans) == 6
    assert inspect.isgeneratorfunction(Worker.own)
    named: Any = worker.own()
    assert named.__qualname__ == "Worker.own"
    assert echo.__name__ == "echo"
    assert str(inspect.signature(echo)) == str(inspect.signature(inspect.unwrap(echo)))
    assert pickle.loads(pickle.dumps(echo)) is echo  # noqa: S301 - our own bytes
