"""How the streams of a framework are told, whoever reads them and however they end."""

from __future__ import annotations

import asyncio
import gc
from contextlib import closing
from typing import Any

import pytest
from opentelemetry import context
from tests.sdk.frameworks.behaviours import behaviour, last_word
from tests.sdk.frameworks.conftest import Desk
from tests.sdk.frameworks.contract import (
    STREAMING,
    FrameworkCases,
    Tree,
    Way,
    attributes,
    check_all,
    prompt,
)


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
    assert way.may_leave(last_word(root)), attributes(root)


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
    assert way.may_leave(last_word(root)), attributes(root)
    assert context.get_current() is before


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
