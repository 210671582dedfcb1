"""What only ``crewai`` has: crews that delegate, flows, tasks in threads, guardrails."""

# Not installed where pyright runs, but in an environment of its own (tests/environments).
# pyright: basic, reportMissingImports=false

from __future__ import annotations

from typing import Any

from crewai import Agent, Crew, Process, Task
from crewai.flow.flow import Flow, listen, start
from tests.sdk.frameworks.cases_crewai import CASES, agent, built, crew
from tests.sdk.frameworks.conftest import Desk
from tests.sdk.frameworks.contract import (
    ANSWER,
    FINAL,
    LOOKUP,
    PROMPT,
    Tree,
    asks,
    attributes,
    check_all,
    prompt,
)

from spanledger import semconv

_HAND_OVER = asks("delegate_work_to_coworker", task=PROMPT, context=PROMPT, coworker="helper")
#: From outside in; the tool goes by the framework's own name.
_DELEGATED = {
    ("invoke_agent boss", "invoke_workflow crew"),
    ("execute_tool delegate_work_to_coworker", "invoke_agent boss"),
    ("invoke_agent helper", "execute_tool delegate_work_to_coworker"),
    ("execute_tool lookup", "invoke_agent helper"),
}


def _task(agent: Agent | None = None, case: int = 0, **options: Any) -> Task:
    return Task(description=prompt(case), expected_output="An answer.", agent=agent, **options)


def test_work_that_is_delegated_is_a_run_inside(desk: Desk) -> None:
    """The coworker's run tells the run that asked for it."""
    desk.script.turns, desk.script.one_run = (_HAND_OVER, LOOKUP, FINAL, FINAL), True
    boss = built(desk.endpoint, "boss", allow_delegation=True)
    helper = agent(desk.endpoint, "helper", desk.probe)
    Crew(name="crew", agents=[boss, helper], tasks=[_task(boss)]).kickoff()
    spans = desk.spans()
    tree = Tree(spans)
    assert {(_tool(span), _tool(parent)) for span, parent in tree.edges()} == _DELEGATED
    first, second = tree.named("invoke_agent ")
    assert attributes(second)[semconv.RUN_PARENT_ID] == attributes(first)[semconv.RUN_ID]
    check_all(spans, desk.script)


def test_a_manager_of_a_crew_is_an_agent(desk: Desk) -> None:
    """A hierarchical crew: the manager does the task, and delegates."""
    desk.script.turns, desk.script.one_run = (_HAND_OVER, LOOKUP, FINAL, FINAL), True
    boss = built(desk.endpoint, "boss", allow_delegation=True)
    helper = agent(desk.endpoint, "helper", desk.probe)
    Crew(
        name="crew",
        agents=[helper],
        tasks=[_task()],
        process=Process.hierarchical,
        manager_agent=boss,
    ).kickoff()
    spans = desk.spans()
    assert {(_tool(span), _tool(parent)) for span, parent in Tree(spans).edges()} == _DELEGATED
    check_all(spans, desk.script)


def _tool(name: str) -> str:
    """The framework writes its own tools' names with blanks."""
    operation, _, rest = name.partition(" ")
    return f"{operation} {rest.lower().replace(' ', '_')}" if "tool" in operation else name


def test_an_answer_that_a_guardrail_refuses_is_one_run(desk: Desk) -> None:
    """What the agent did again for the same task belongs to the same run."""
    desk.script.turns, desk.script.one_run = (FINAL, FINAL), True
    verdicts = iter([(False, "Too short."), (True, ANSWER)])
    planner = built(desk.endpoint, "planner")
    task = _task(planner, guardrail=lambda _output: next(verdicts))
    Crew(name="crew", agents=[planner], tasks=[task]).kickoff()
    spans = desk.spans()
    tree = Tree(spans)
    [root] = tree.named("invoke_agent ")
    assert [tree.agent_of(call) for call in tree.calls()] == [root, root]
    check_all(spans, desk.script)


def test_a_task_in_a_thread_belongs_to_its_crew(desk: Desk) -> None:
    """And its run is of its own agent."""
    desk.script.turns = CASES.turns
    planner = agent(desk.endpoint, "planner", desk.probe)
    Crew(name="crew", agents=[planner], tasks=[_task(planner, async_execution=True)]).kickoff()
    spans = desk.spans()
    [root] = Tree(spans).named("invoke_agent ")
    assert desk.probe.run_ids == [attributes(root)[semconv.RUN_ID]]
    assert Tree(spans).edges() == {
        ("invoke_agent planner", "invoke_workflow crew"),
        ("execute_tool lookup", "invoke_agent planner"),
    }
    check_all(spans, desk.script)


async def test_each_input_of_a_crew_is_a_run_of_its_own(desk: Desk) -> None:
    """In a row, and in threads."""
    desk.script.turns = CASES.turns
    planner = agent(desk.endpoint, "planner", desk.probe)
    made = crew(planner, f"{PROMPT} case-{{case}}")
    await made.kickoff_for_each_async([{"case": "0"}, {"case": "1"}])
    await made.kickoff_async({"case": "2"})
    spans = desk.spans()
    tree = Tree(spans)
    runs = tree.named("invoke_agent ")
    assert len({attributes(run)[semconv.RUN_ID] for run in runs}) == 3
    assert [getattr(tree.parent(run), "name", "") for run in runs] == ["invoke_workflow crew"] * 3
    check_all(spans, desk.script)


async def test_a_flow_is_a_workflow(desk: Desk) -> None:
    """A crew and an agent by itself in its steps belong to it."""
    desk.script.turns = (FINAL,)
    first, second = (built(desk.endpoint, name) for name in ("first", "second"))

    class Story(Flow):
        @start()
        async def begin(self) -> Any:
            return await first.kickoff_async(prompt())

        @listen(begin)
        def end(self) -> Any:
            return crew(second, prompt(1)).kickoff()

    await Story().kickoff_async()
    spans = desk.spans()
    assert Tree(spans).edges() == {
        ("invoke_agent first", "invoke_workflow Story"),
        ("invoke_workflow crew", "invoke_workflow Story"),
        ("invoke_agent second", "invoke_workflow crew"),
    }
    check_all(spans, desk.script)


def test_an_agent_in_an_event_loop_is_told_by_its_coroutine(desk: Desk) -> None:
    """There ``kickoff`` gives a coroutine, and nothing has begun."""
    import asyncio

    desk.script.turns = CASES.turns
    planner = agent(desk.endpoint, "planner", desk.probe)

    async def main() -> None:
        begun = planner.kickoff(prompt())
        assert asyncio.iscoroutine(begun)
        assert desk.spans() == []
        await begun

    asyncio.run(main())
    spans = desk.spans()
    assert len(Tree(spans).named("invoke_agent planner")) == 1
    check_all(spans, desk.script)
