"""What goes wrong in a run of a framework is told, and raised as without us."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from opentelemetry.trace import StatusCode
from tests.sdk.frameworks.behaviours import behaviour, last_word
from tests.sdk.frameworks.conftest import Desk
from tests.sdk.frameworks.contract import (
    ASYNCHRONOUS,
    CALLS,
    FrameworkCases,
    Tree,
    Way,
    attributes,
    check_all,
    perform,
)

from spanledger import semconv
from spanledger_collector.demo.provider import Answer


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
    assert last_word(root) == way.cancelled
    assert last_word(call) == "CancelledError"
    check_all(spans, desk.script)


@behaviour(each=False)
async def test_a_run_whose_names_cannot_be_read_goes_on(
    cases: FrameworkCases, way: Way, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An attribute that moved: the run works, its calls are told, the error is counted."""
    from spanledger import _guard
    from spanledger._frameworks import framework as _framework

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
