"""What only ``crewai`` has: crews that delegate, flows, tasks in threads, guardrails."""

# Not installed where pyright runs, but in an environment of its own (tests/environments).
# pyright: basic, reportMissingImports=false

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from crewai import Agent, BaseLLM, Crew, Process, Task
from crewai.flow.flow import Flow, listen, start
from tests.sdk.frameworks.cases_crewai import CASES, agent, built, crew
from tests.sdk.frameworks.conftest import Desk
from tests.sdk.frameworks.contract import (
    ANSWER,
    FINAL,
    LOOKUP,
    MODEL,
    PROMPT,
    Tree,
    asks,
    attributes,
    check_all,
    prompt,
)
from tests.sdk.frameworks.transport import CACHED, ask, check_budget, check_told, said

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


class Own(BaseLLM):
    """A model with a transport of its own, which tells the framework what it used."""

    url: str = ""

    def call(self, messages: Any, *_args: Any, **_more: Any) -> str:
        """Ask; the text is the answer."""
        told = ask(self.url, said(str(messages)))
        used = told["usage"]
        self._track_token_usage_internal(
            {
                "input_tokens": used["prompt_tokens"],
                "output_tokens": used["completion_tokens"],
                "cached_prompt_tokens": used["prompt_tokens_details"]["cached_tokens"],
            }
        )
        return told["choices"][0]["message"]["content"]

    async def acall(self, messages: Any, *args: Any, **more: Any) -> str:
        """The same, in a thread, which has the context."""
        return await asyncio.to_thread(self.call, messages, *args, **more)


class Silent(Own):
    """The same, which tells nothing."""

    def _track_token_usage_internal(self, usage_data: Any) -> None:
        """Keep it."""


@pytest.mark.parametrize("way", ["kickoff", "kickoff_async"])
async def test_a_model_past_our_clients_is_told_by_the_framework(way: str, desk: Desk) -> None:
    """Of the application's own; who bills is not known: the framework's default says nothing."""
    desk.script.turns = (CACHED,)
    planner = built(desk.endpoint, "planner")
    planner.llm = Own(model=MODEL, url=desk.provider.url)
    if way == "kickoff":
        await asyncio.to_thread(planner.kickoff, prompt())
    else:
        await planner.kickoff_async(prompt())
    spans = desk.spans()
    tree = Tree(spans)
    [call] = tree.calls()
    told = check_told(call)
    assert tree.agent_of(call) is tree.named("invoke_agent planner")[0]
    assert told[semconv.USAGE_CACHE_READ_TOKENS] == CACHED.cache_read_tokens
    assert semconv.PROVIDER_NAME not in told
    check_all(spans, desk.script)


def test_a_model_that_tells_nothing_is_not_told(desk: Desk) -> None:
    """And one that a client of ours sees is told by that one alone."""
    desk.script.turns = (CACHED,)
    Silent(model=MODEL, url=desk.provider.url).call("q")
    assert desk.spans() == []
    desk.script.rewind()
    built(desk.endpoint, "planner").llm.call(prompt())
    check_all(desk.spans(), desk.script)
    assert len(desk.spans()) == 1


@pytest.mark.parametrize("way", ["kickoff", "kickoff_async"])
async def test_a_budget_holds_for_a_model_past_our_clients(way: str, desk: Desk) -> None:
    """The error comes out of the agent's run."""
    planner = built(desk.endpoint, "planner")
    planner.llm = Own(model=MODEL, url=desk.provider.url)
    if way == "kickoff":
        await check_budget(desk, lambda: asyncio.to_thread(planner.kickoff, prompt()))
    else:
        await check_budget(desk, lambda: planner.kickoff_async(prompt()))
