"""How the runs of a framework are told: agents, tools and calls, and what they change."""

from __future__ import annotations

import asyncio

from opentelemetry.trace import StatusCode
from tests.sdk.frameworks.behaviours import behaviour
from tests.sdk.frameworks.conftest import Desk
from tests.sdk.frameworks.contract import (
    CALLS,
    STREAMING,
    FrameworkCases,
    Tree,
    Way,
    attributes,
    check_all,
    data_of,
    perform,
)

import spanledger
from spanledger import semconv


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
