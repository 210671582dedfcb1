"""Every framework, every way to run an agent, every behaviour: found by discovery."""

from __future__ import annotations

import asyncio
import functools
import gc
import importlib
import importlib.util
import inspect
import pkgutil
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from opentelemetry import context
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import StatusCode
from tests.sdk.frameworks.conftest import Desk
from tests.sdk.frameworks.contract import (
    ASYNCHRONOUS,
    CALLS,
    STREAMING,
    FrameworkCases,
    Tree,
    Way,
    attributes,
    check_all,
    data_of,
    is_held_here,
    perform,
    prompt,
)
from tests.support.contracts import MODES, Contract, F, Mode, Row, under_contract

import spanledger
from spanledger import _registry, semconv
from spanledger._patching import PatchState
from spanledger_collector.demo.provider import Answer

_HERE = Path(__file__).parent
_FILES = sorted(
    f"cases_{name}"
    for name in under_contract(
        module.name.removeprefix("cases_")
        for module in pkgutil.iter_modules([str(_HERE)])
        if module.name.startswith("cases_")
    )
)


#: The files whose frameworks are held in this environment.
_OWN = [file for file in _FILES if is_held_here(file.removeprefix("cases_"))]


def _cases(file: str) -> FrameworkCases:
    cases: FrameworkCases = importlib.import_module(f"tests.sdk.frameworks.{file}").CASES
    return cases


CASES = [_cases(file) for file in _OWN]


CONTRACT = Contract(
    "frameworks",
    ("cases", "way"),
    [Row(cases, way.name, way.mode, (cases, way)) for cases in CASES for way in cases.ways],
)


def behaviour(*modes: Mode, each: bool = True) -> Callable[[F], F]:
    """Run a test on every way of these modes (one way a mode, where ``each`` is false)."""
    return CONTRACT.behaviour(lambda row: row.mode in (modes or MODES), each=each)


@behaviour()
async def test_one_run_is_told_with_its_tool_and_its_calls(
    cases: FrameworkCases, way: Way, desk: Desk
) -> None:
    """An agent, below it each model call and the tool, all in one run, which the tool sees."""
    desk.script.turns = cases.turns
    agent = cases.agent(desk.endpoint, "planner", desk.probe)
    await perform(way, agent)
    spans = desk.spans()
    tree = Tree(spans)
    [root] = tree.named("invoke_agent ")
    [tool] = tree.named("execute_tool lookup")
    assert root.name == "invoke_agent planner"
    assert tree.agent_of(tool) is root
    calls = tree.calls()
    assert len(calls) == len(desk.provider.requests) == len(cases.turns)
    assert all(tree.agent_of(call) is root for call in calls)
    others = {span.name for span in spans} - {root.name, tool.name, calls[0].name}
    assert others == {*cases.also, *way.also}
    assert desk.probe.run_ids == [attributes(root)[semconv.RUN_ID]]
    assert attributes(root)[semconv.OPERATION_NAME] == semconv.OPERATION_INVOKE_AGENT
    assert attributes(tool)[semconv.TOOL_NAME] == "lookup"
    assert all(span.status.status_code is StatusCode.UNSET for span in spans)
    assert root.start_time is not None
    assert root.end_time is not None
    below = [span for span in spans if tree.agent_of(span) is root]
    assert all(root.start_time <= (span.start_time or 0) for span in below)
    assert all(root.end_time >= (span.end_time or 0) for span in below)
    check_all(spans, desk.script)


@behaviour()
async def test_the_result_is_what_it_is_without_us(
    cases: FrameworkCases, way: Way, desk: Desk
) -> None:
    """What is returned, and each item of a stream, as data."""
    desk.script.turns = cases.turns
    told = await perform(way, cases.agent(desk.endpoint, "planner", desk.probe))
    with desk.plain():
        plain = await perform(way, cases.agent(desk.endpoint, "planner", desk.probe))
    assert type(told) is type(plain)
    if way.mode in STREAMING:
        for item, bare in zip(told, plain, strict=True):
            assert type(item) is type(bare)
            assert data_of(item) == data_of(bare)
    else:
        assert data_of(told) == data_of(plain)


@behaviour(*STREAMING)
async def test_a_stream_stays_what_it_is(cases: FrameworkCases, way: Way, desk: Desk) -> None:
    """Same type, same name, and as lazy; one that nobody reads leaves no span."""
    desk.script.turns = cases.turns
    told = way.run(cases.agent(desk.endpoint, "planner", desk.probe), prompt())
    with desk.plain():
        plain = way.run(cases.agent(desk.endpoint, "planner", desk.probe), prompt())
        assert type(told) is type(plain)
        assert getattr(told, "__qualname__", "") == getattr(plain, "__qualname__", "")
        if way.mode == "stream":
            plain.close()
        else:
            await plain.aclose()
    if way.lazy:
        assert desk.provider.requests == []
        del told
        assert desk.spans() == []
    else:
        await _read(told, way)


async def _read(stream: Any, way: Way, limit: int | None = None) -> None:
    read = 0
    if way.mode == "async stream":
        async for _ in stream:
            read += 1
            if read == limit:
                return
        return
    for _ in stream:
        read += 1
        if read == limit:
            return


@behaviour(*STREAMING)
async def test_a_closed_stream_ends_its_span(cases: FrameworkCases, way: Way, desk: Desk) -> None:
    """Closed after one item: it does what it does without us, and the span ends."""
    desk.script.turns = cases.turns
    with desk.plain():
        plain = way.run(cases.agent(desk.endpoint, "planner", desk.probe), prompt())
        expected = await _closed_after_one(plain, way)
    before = context.get_current()
    stream = way.run(cases.agent(desk.endpoint, "planner", desk.probe), prompt())
    assert await _closed_after_one(stream, way) == expected
    assert context.get_current() is before
    [root] = Tree(desk.spans()).named("invoke_agent ")
    assert way.may_leave(_last_word(root)), attributes(root)


async def _closed_after_one(stream: Any, way: Way) -> str:
    await _read(stream, way, limit=1)
    try:
        if way.mode == "stream":
            stream.close()
        else:
            await stream.aclose()
    except Exception as error:  # noqa: BLE001 -- what is raised is what is compared
        return type(error).__name__
    return ""


@behaviour(*STREAMING)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_a_forgotten_stream_ends_its_span(
    cases: FrameworkCases, way: Way, desk: Desk
) -> None:
    """Dropped after one item: the span ends. Python tells what a generator raises then."""
    desk.script.turns = cases.turns
    before = context.get_current()
    stream = way.run(cases.agent(desk.endpoint, "planner", desk.probe), prompt())
    await _read(stream, way, limit=1)
    assert context.get_current() is before
    del stream
    gc.collect()
    for _ in range(100):  # a forgotten asynchronous generator is closed by the event loop
        if Tree(desk.spans()).named("invoke_agent "):
            break
        await asyncio.sleep(0.01)
    [root] = Tree(desk.spans()).named("invoke_agent ")
    assert way.may_leave(_last_word(root)), attributes(root)
    assert context.get_current() is before


def _last_word(span: ReadableSpan) -> str:
    """The class of the error that the span tells; empty without an error."""
    return str(attributes(span).get(semconv.ERROR_TYPE, "")).rpartition(".")[2]


@behaviour(*STREAMING)
async def test_the_readers_context_is_its_own(cases: FrameworkCases, way: Way, desk: Desk) -> None:
    """Between two items the reader's code does not run inside the agent."""
    desk.script.turns = cases.turns
    stream = way.run(cases.agent(desk.endpoint, "planner", desk.probe), prompt())
    before = context.get_current()
    if way.mode == "stream":
        with closing(stream):
            for _ in stream:
                assert context.get_current() is before
    else:
        async for _ in stream:
            assert context.get_current() is before
    check_all(desk.spans(), desk.script)


@behaviour()
async def test_a_failing_tool_is_told_and_changes_nothing(
    cases: FrameworkCases, way: Way, desk: Desk
) -> None:
    """The tool's span has the error's type, and the agent goes on or raises as without us."""
    desk.script.turns = cases.turns
    desk.probe.fails = True
    with desk.plain():
        expected = await _outcome(way, cases.agent(desk.endpoint, "planner", desk.probe))
    desk.script.rewind()
    assert await _outcome(way, cases.agent(desk.endpoint, "planner", desk.probe)) == expected
    spans = desk.spans()
    [tool] = Tree(spans).named("execute_tool lookup")
    assert tool.status.status_code is StatusCode.ERROR
    assert attributes(tool)[semconv.ERROR_TYPE] == cases.tool_error
    check_all(spans, desk.script)


async def _outcome(way: Way, agent: Any) -> type:
    try:
        result = await perform(way, agent)
    except Exception as error:  # noqa: BLE001 -- what is raised is what is compared
        return type(error)
    return type(result)


@behaviour()
async def test_a_refused_model_call_raises_as_without_us(
    cases: FrameworkCases, way: Way, desk: Desk
) -> None:
    """The same exception, and both the call and the agent are told as failed."""
    desk.script.turns = cases.turns
    refused = Answer(status=400)
    desk.provider.enqueue(refused)
    with desk.plain():
        expected = await _outcome(way, cases.agent(desk.endpoint, "planner", desk.probe))
    assert issubclass(expected, Exception)
    desk.provider.enqueue(refused)
    assert await _outcome(way, cases.agent(desk.endpoint, "planner", desk.probe)) is expected
    spans = desk.spans()
    [root] = Tree(spans).named("invoke_agent ")
    [call] = Tree(spans).calls()
    assert root.status.status_code is call.status.status_code is StatusCode.ERROR
    assert attributes(root)[semconv.ERROR_TYPE].endswith(expected.__qualname__)
    check_all(spans, desk.script)


@behaviour(*ASYNCHRONOUS)
async def test_cancellation_ends_every_span(cases: FrameworkCases, way: Way, desk: Desk) -> None:
    """A cancelled run raises ``CancelledError`` as before; agent and call are told."""
    desk.script.turns = cases.turns
    desk.provider.enqueue(Answer(hang=True))
    agent = cases.agent(desk.endpoint, "planner", desk.probe)
    task = asyncio.ensure_future(perform(way, agent))
    while not desk.provider.requests:  # noqa: ASYNC110 - the server's thread has no event of this loop
        await asyncio.sleep(0.005)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    del task
    for _ in range(30):  # tasks of the framework's own are cancelled a little later
        if len(desk.spans()) >= 2:
            break
        await asyncio.sleep(0.01)
    spans = desk.spans()
    [root] = Tree(spans).named("invoke_agent ")
    [call] = Tree(spans).calls()
    assert _last_word(root) == way.cancelled
    assert _last_word(call) == "CancelledError"
    check_all(spans, desk.script)


@behaviour()
async def test_runs_at_once_keep_their_own_spans(
    cases: FrameworkCases, way: Way, desk: Desk
) -> None:
    """Four runs in tasks and threads: four run ids, and nothing crosses over."""
    desk.script.turns = cases.turns
    agents = [cases.agent(desk.endpoint, f"planner{n}", desk.probe) for n in range(4)]
    await asyncio.gather(*(perform(way, agent, case) for case, agent in enumerate(agents)))
    spans = desk.spans()
    tree = Tree(spans)
    roots = tree.named("invoke_agent ")
    assert sorted(root.name for root in roots) == [f"invoke_agent planner{n}" for n in range(4)]
    assert len({root.context.trace_id for root in roots if root.context}) == len(roots)
    assert len({attributes(root)[semconv.RUN_ID] for root in roots}) == 4
    for root in roots:
        mine = [span for span in spans if tree.agent_of(span) is root]
        assert len([span for span in mine if span.name.startswith(CALLS)]) == len(cases.turns)
        assert len([span for span in mine if span.name == "execute_tool lookup"]) == 1
    assert set(desk.probe.run_ids) == {attributes(root)[semconv.RUN_ID] for root in roots}
    check_all(spans, desk.script)


@behaviour()
async def test_one_object_run_twice_is_two_runs(
    cases: FrameworkCases, way: Way, desk: Desk
) -> None:
    """The same agent object, one run after the other."""
    desk.script.turns = cases.turns
    agent = cases.agent(desk.endpoint, "planner", desk.probe)
    await perform(way, agent)
    await perform(way, agent, case=1)
    spans = desk.spans()
    roots = Tree(spans).named("invoke_agent planner")
    assert len({attributes(root)[semconv.RUN_ID] for root in roots}) == 2
    assert semconv.RUN_PARENT_ID not in attributes(roots[1])
    check_all(spans, desk.script)


@behaviour()
async def test_an_agent_below_an_agent_is_a_run_of_its_own(
    cases: FrameworkCases, way: Way, desk: Desk
) -> None:
    """A sub-agent or handoff: its calls carry its run, which tells the run that called it."""
    desk.script.turns, desk.script.one_run = cases.team_turns, True
    await perform(way, cases.team(desk.endpoint, desk.probe))
    spans = desk.spans()
    tree = Tree(spans)
    [boss] = tree.named("invoke_agent boss")
    [helper] = tree.named("invoke_agent helper")
    assert attributes(helper)[semconv.RUN_PARENT_ID] == attributes(boss)[semconv.RUN_ID]
    assert desk.probe.run_ids == [attributes(helper)[semconv.RUN_ID]]
    assert {edge for edge in tree.edges() if edge[1] not in way.also} == cases.team_edges
    assert len(tree.calls()) == len(cases.team_turns)
    assert all(span.status.status_code is StatusCode.UNSET for span in spans)
    check_all(spans, desk.script)


@behaviour(each=False)
async def test_a_decorated_agent_of_the_same_name_is_the_same_run(
    cases: FrameworkCases, way: Way, desk: Desk
) -> None:
    """One execution is one run: the framework's agent directly inside is not told again."""
    desk.script.turns = cases.turns
    agent = cases.agent(desk.endpoint, "planner", desk.probe)
    with spanledger.agent("planner"):
        run_id = spanledger.current_run_id()
        await perform(way, agent)
    spans = desk.spans()
    assert Tree(spans).named("invoke_agent ") == []
    assert desk.probe.run_ids == [run_id]
    assert {attributes(span)[semconv.RUN_ID] for span in spans} == {run_id}
    check_all(spans, desk.script)


@behaviour(each=False)
async def test_a_decorated_agent_of_another_name_has_a_sub_agent(
    cases: FrameworkCases, way: Way, desk: Desk
) -> None:
    """The framework's agent is a run of its own below it."""
    desk.script.turns = cases.turns
    agent = cases.agent(desk.endpoint, "planner", desk.probe)
    with spanledger.agent("whole service", tenant="acme"):
        run_id = spanledger.current_run_id()
        await perform(way, agent)
    spans = desk.spans()
    [inner] = Tree(spans).named("invoke_agent ")
    assert attributes(inner)[semconv.RUN_PARENT_ID] == run_id
    assert {attributes(span)[semconv.TENANT_ID] for span in spans} == {"acme"}
    check_all(spans, desk.script)


@behaviour(each=False)
async def test_a_run_whose_names_cannot_be_read_goes_on(
    cases: FrameworkCases, way: Way, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An attribute that moved: the run works, its calls are told, the error is counted."""
    from spanledger import _framework, _guard

    monkeypatch.setattr(_guard, "_counts", _guard._counts.copy())
    before = sum(_guard.internal_errors().values())
    desk.script.turns = cases.turns

    def moved(*_: object, **__: object) -> None:
        raise AttributeError("moved")

    monkeypatch.setattr(_framework, "FrameworkDefinition", moved)
    await perform(way, cases.agent(desk.endpoint, "planner", desk.probe))
    spans = desk.spans()
    assert [span.name for span in spans if not span.name.startswith(CALLS)] == []
    assert len(spans) == len(cases.turns)
    assert sum(_guard.internal_errors().values()) > before


# --- without running anything -------------------------------------------------------------------
ALL = list(_registry.available_frameworks().values())
#: No agents of their own: under tests of their own.
TOOLS_ONLY = {"mcp", "langchain"}


def test_every_framework_has_cases_and_every_mode_is_run_or_declared() -> None:
    """A file without cases, or a mode that nobody decided about, fails here."""
    files = {file.removeprefix("cases_") for file in _FILES}
    assert {framework.name for framework in ALL} == files | TOOLS_ONLY
    for cases in CASES:
        assert {way.mode for way in cases.ways} | set(cases.lacks) == set(MODES), cases.name
    assert CONTRACT.gaps() == []


@pytest.mark.parametrize("cases", CASES, ids=_OWN)
def test_uninstrument_puts_the_very_same_methods_back(cases: FrameworkCases) -> None:
    """Identity, not equality; also after instrumenting twice, and again."""
    framework = cases.framework
    targets = [one.target for one in (*framework.steps, *framework.bridges)]

    def now() -> list[Any]:
        found: list[Any] = []
        for target in targets:
            if importlib.util.find_spec(target.module.partition(".")[0]):
                owner: Any = importlib.import_module(target.module)
                *path, name = target.name.split(".")
                owner = functools.reduce(getattr, path, owner)
                if not (target.optional and not hasattr(owner, name)):
                    found.append(inspect.getattr_static(owner, name))
        return found

    before = now()
    for _ in range(2):
        _registry.instrument()
        _registry.instrument([framework.name])
        during = now()
        states = [one for one in _registry.status() if one.client == framework.name]
        on = [one for one in states if one.state is PatchState.INSTALLED]
        assert len(on) == len(before) + len(framework.registrations), states
        _registry.uninstrument()
        assert all(one is then for one, then in zip(now(), before, strict=True))
        assert not any(one is then for one, then in zip(during, before, strict=True))


def test_nothing_runs_in_a_thread_of_ours() -> None:
    """Instrumenting frameworks starts no thread."""
    before = set(threading.enumerate())
    _registry.instrument([framework.name for framework in ALL])
    try:
        assert set(threading.enumerate()) <= before
    finally:
        _registry.uninstrument()
