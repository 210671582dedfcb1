"""The decorators on every kind of function, and as context managers."""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.trace import StatusCode

import spanledger
from spanledger import semconv
from spanledger.testing import CapturedSpans, ManualClock, capture_spans


@pytest.fixture(name="spans")
def _spans() -> Iterator[CapturedSpans]:
    with capture_spans() as captured:
        yield captured


def test_bare_function(spans: CapturedSpans) -> None:
    """A bare decorator takes the function's name, keeps its result and its metadata."""

    @spanledger.agent
    def planner(question: str, *, depth: int = 1) -> str:
        """Plan."""
        return f"{question}{depth}"

    assert planner("q", depth=2) == "q2"
    assert planner.__doc__ == "Plan."
    assert list(inspect.signature(planner).parameters) == ["question", "depth"]
    attributes = spans.attributes("invoke_agent planner")
    assert attributes[semconv.OPERATION_NAME] == "invoke_agent"
    assert attributes[semconv.AGENT_NAME] == "planner"
    assert len(attributes[semconv.RUN_ID]) == 32


def test_arguments(spans: CapturedSpans) -> None:
    """Name, version, id, tenant and tags stand on the span and on what is below it."""

    @spanledger.agent(name="Plan A", version="2", id="a-1", tenant="acme", tags={"team": "x"})
    def run() -> None:
        inner()

    @spanledger.tool("search", version="1", id="call_1")
    def inner() -> None: ...

    run()
    expected = {
        semconv.AGENT_NAME: "Plan A",
        semconv.AGENT_VERSION: "2",
        semconv.AGENT_ID: "a-1",
        semconv.TENANT_ID: "acme",
        semconv.TAG_PREFIX + "team": "x",
    }
    assert expected.items() <= spans.attributes("invoke_agent Plan A").items()
    tool = spans.attributes("execute_tool search")
    assert expected.items() <= tool.items()
    assert tool[semconv.TOOL_NAME] == "search"
    assert tool[semconv.TOOL_CALL_ID] == "call_1"


@pytest.mark.parametrize(
    ("decorator", "span_name", "key"),
    [
        (spanledger.agent, "invoke_agent f", semconv.AGENT_NAME),
        (spanledger.workflow, "invoke_workflow f", semconv.WORKFLOW_NAME),
        (spanledger.task, "task f", semconv.TASK_NAME),
        (spanledger.tool, "execute_tool f", semconv.TOOL_NAME),
    ],
)
def test_each_decorator(spans: CapturedSpans, decorator: Any, span_name: str, key: str) -> None:
    """Each of the four writes its own operation and name."""

    def f() -> int:
        return 7

    assert decorator(f)() == 7
    assert spans.attributes(span_name)[key] == "f"


async def test_coroutine(spans: CapturedSpans) -> None:
    """A coroutine function stays one; the span covers the await."""

    @spanledger.agent
    async def planner() -> int:
        await asyncio.sleep(0)
        assert trace.get_current_span().is_recording()
        return 3

    assert inspect.iscoroutinefunction(planner)
    assert await planner() == 3
    assert not trace.get_current_span().is_recording()
    assert spans.names() == ["invoke_agent planner"]


def test_methods_in_both_orders(spans: CapturedSpans) -> None:
    """Methods, classmethods and staticmethods work with the decorator inside or outside."""

    class Worker:
        @spanledger.task
        def method(self) -> object:
            return self

        @spanledger.task
        @classmethod
        def outside(cls) -> object:
            return cls

        @classmethod
        @spanledger.task
        def inside(cls) -> object:
            return cls

        @spanledger.task("static")
        @staticmethod
        def static(value: int) -> int:
            return value

        @staticmethod
        @spanledger.task
        def static_inside(value: int) -> int:
            return value

    worker = Worker()
    assert worker.method() is worker
    assert Worker.outside() is Worker
    assert worker.inside() is Worker
    assert Worker.static(4) == 4
    assert worker.static_inside(5) == 5
    assert spans.names() == [
        "task Worker.method",
        "task Worker.outside",
        "task Worker.inside",
        "task static",
        "task Worker.static_inside",
    ]


def test_partial_and_callable_object(spans: CapturedSpans) -> None:
    """A partial takes the name of its function, an object the name of its class."""

    class Greeter:
        def __call__(self) -> str:
            return "hi"

    def add(a: int, b: int) -> int:
        return a + b

    assert spanledger.tool(functools.partial(add, 1))(2) == 3
    assert spanledger.tool(Greeter())() == "hi"
    assert spans.names() == ["execute_tool add", "execute_tool Greeter"]


def test_exception_is_unchanged_and_its_message_is_not_recorded(spans: CapturedSpans) -> None:
    """The same exception object comes out; the span tells its type and nothing more."""
    error = ValueError("a secret prompt")

    @spanledger.tool
    def broken() -> None:
        raise error

    with pytest.raises(ValueError, match="secret") as caught:
        broken()
    assert caught.value is error
    span = spans.one("execute_tool broken")
    assert span.attributes is not None
    assert span.attributes[semconv.ERROR_TYPE] == "ValueError"
    assert span.status.status_code is StatusCode.ERROR
    assert span.status.description is None
    assert span.events == ()
    assert "secret" not in span.to_json()


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (KeyboardInterrupt(), "KeyboardInterrupt"),
        (SystemExit(3), "SystemExit"),
        (asyncio.CancelledError(), "asyncio.exceptions.CancelledError"),
    ],
)
def test_base_exceptions_end_the_span(
    spans: CapturedSpans, error: BaseException, kind: str
) -> None:
    """Interrupts and cancellation end the span with their type."""

    @spanledger.task
    def stopped() -> None:
        raise error

    with pytest.raises(type(error)):
        stopped()
    assert spans.attributes("task stopped")[semconv.ERROR_TYPE] == kind


def test_a_clean_exit_is_no_error(spans: CapturedSpans) -> None:
    """``sys.exit()`` ends the span without error."""

    @spanledger.task
    def leave() -> None:
        raise SystemExit

    with pytest.raises(SystemExit):
        leave()
    assert semconv.ERROR_TYPE not in spans.attributes("task leave")


async def test_cancelled_task(spans: CapturedSpans) -> None:
    """A cancelled asyncio task stays cancelled, and its span ends."""
    started = asyncio.Event()

    @spanledger.agent
    async def planner() -> None:
        started.set()
        await asyncio.Event().wait()

    running = asyncio.create_task(planner())
    await started.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert running.cancelled()
    assert "CancelledError" in spans.attributes("invoke_agent planner")[semconv.ERROR_TYPE]


async def test_context_managers(spans: CapturedSpans) -> None:
    """As ``with`` and ``async with`` they give the span and end it."""
    with spanledger.agent("planner", version="2") as span:
        span.set_attribute("x", 1)
        async with spanledger.tool("search"):
            assert current_name() == "execute_tool search"
    assert spans.names() == ["execute_tool search", "invoke_agent planner"]
    assert spans.attributes("invoke_agent planner")["x"] == 1


def test_context_manager_error_passes_through(spans: CapturedSpans) -> None:
    """An exception leaves the with block unchanged and marks the span."""
    with pytest.raises(KeyError), spanledger.task("step"):
        raise KeyError("k")
    assert spans.attributes("task step")[semconv.ERROR_TYPE] == "KeyError"


async def test_one_scope_object_entered_by_many_tasks(spans: CapturedSpans) -> None:
    """A scope object that is reused concurrently ends each task's own span."""
    planner = spanledger.agent("planner")
    barrier: list[asyncio.Event] = [asyncio.Event(), asyncio.Event()]

    async def first() -> str | None:
        with planner:
            barrier[0].set()
            await barrier[1].wait()
            return spanledger.current_run_id()

    async def second() -> str | None:
        await barrier[0].wait()
        with planner:
            barrier[1].set()
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            return spanledger.current_run_id()

    runs = await asyncio.gather(first(), second())
    assert [(span.attributes or {})[semconv.RUN_ID] for span in spans.spans] == list(runs)


def test_nested_agents(spans: CapturedSpans) -> None:
    """A nested agent has its own run and version; only its own span tells the parent."""

    @spanledger.agent(version="9", id="outer-id")
    def outer() -> None:
        inner()

    @spanledger.agent
    def inner() -> None:
        with spanledger.tool("search"):
            pass

    outer()
    above = spans.attributes("invoke_agent outer")
    own = spans.attributes("invoke_agent inner")
    below = spans.attributes("execute_tool search")
    assert own[semconv.RUN_PARENT_ID] == above[semconv.RUN_ID]
    assert own[semconv.RUN_ID] == below[semconv.RUN_ID] != above[semconv.RUN_ID]
    assert semconv.RUN_PARENT_ID not in above
    assert semconv.RUN_PARENT_ID not in below
    assert semconv.AGENT_VERSION not in own
    assert semconv.AGENT_ID not in below


def test_nested_workflows(spans: CapturedSpans) -> None:
    """A workflow's version is on everything below it, but not on a workflow inside."""
    with spanledger.workflow("outer", version="1", id="w"):
        with spanledger.task("direct"):
            pass
        with spanledger.workflow("inner"), spanledger.task("nested"):
            pass
    direct, nested = spans.attributes("task direct"), spans.attributes("task nested")
    assert direct[semconv.WORKFLOW_VERSION] == "1"
    assert direct[semconv.WORKFLOW_ID] == "w"
    assert nested[semconv.WORKFLOW_NAME] == "inner"
    assert not {semconv.WORKFLOW_VERSION, semconv.WORKFLOW_ID} & set(nested)


@pytest.mark.parametrize("target", [int, 3.5, [], object()])
def test_misuse_is_told_at_decoration(target: Any) -> None:
    """Something that is no function is refused where it is decorated, with a way out."""
    with pytest.raises(spanledger.UsageError, match="decorate the method"):
        spanledger.agent(target)


def test_an_error_of_ours_never_reaches_the_call(
    monkeypatch: pytest.MonkeyPatch, spans: CapturedSpans
) -> None:
    """When the span cannot be started the function runs all the same."""

    class BrokenTracer:
        def start_span(self, *_: object, **__: object) -> None:
            raise RuntimeError("broken tracer")

    monkeypatch.setattr("spanledger._work.scope.tracer", BrokenTracer)

    @spanledger.agent
    def planner() -> int:
        return 5

    @spanledger.agent
    def numbers() -> Iterator[int]:
        yield 1

    assert planner() == 5
    assert list(numbers()) == [1]
    with spanledger.task("x"):
        pass
    assert spans.names() == []


def test_times_come_from_the_test_clock() -> None:
    """With a manual clock, durations are exact."""
    clock = ManualClock(start_ns=1000, step_ns=10)
    with capture_spans(clock=clock) as spans, spanledger.task("timed"):
        clock.advance(1.5)
    (span,) = spans.spans
    assert (span.start_time, span.end_time) == (1000, 1010 + 1_500_000_000)


def current_name() -> str:
    return getattr(trace.get_current_span(), "name", "")
