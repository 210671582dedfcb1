"""What only ``llama-index`` has: agents that hand over, workflows of steps, query engines."""

# Not installed where pyright runs, but in an environment of its own (tests/environments).
# pyright: basic, reportMissingImports=false

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest
from llama_index.core import Document, SummaryIndex
from llama_index.core.agent.workflow import AgentWorkflow, FunctionAgent, ReActAgent
from llama_index.core.llms import ChatMessage, CompletionResponse, CustomLLM, LLMMetadata
from llama_index.core.llms.callbacks import llm_completion_callback
from llama_index.core.tools import QueryEngineTool
from llama_index.core.workflow import Context, StartEvent, StopEvent, Workflow, step
from opentelemetry.trace import StatusCode
from tests.sdk.frameworks.cases_llama_index import CASES, agent, model, run
from tests.sdk.frameworks.conftest import Desk
from tests.sdk.frameworks.contract import (
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
from workflows.events import HumanResponseEvent, InputRequiredEvent

import spanledger
from spanledger import semconv
from spanledger_collector.demo.provider import Answer


async def test_an_agent_that_is_handed_to_is_a_run_beside(desk: Desk) -> None:
    """Two runs in one workflow, each from its first step to its last."""
    hand_over = asks("handoff", to_agent="helper", reason=PROMPT)
    desk.script.turns, desk.script.one_run = (hand_over, LOOKUP, FINAL), True
    boss = FunctionAgent(
        name="boss", description="Leads.", llm=model(desk.endpoint), can_handoff_to=["helper"]
    )
    helper = agent(desk.endpoint, "helper", desk.probe)
    await run(AgentWorkflow(agents=[boss, helper], root_agent="boss"), prompt())
    spans = desk.spans()
    tree = Tree(spans)
    first, second = tree.named("invoke_agent ")
    assert (first.name, second.name) == ("invoke_agent boss", "invoke_agent helper")
    assert (first.end_time or 0) <= (second.start_time or 0)
    assert tree.edges() == {
        ("invoke_agent boss", "invoke_workflow AgentWorkflow"),
        ("invoke_agent helper", "invoke_workflow AgentWorkflow"),
        ("execute_tool handoff", "invoke_agent boss"),
        ("execute_tool lookup", "invoke_agent helper"),
    }
    assert semconv.RUN_PARENT_ID not in attributes(second)
    assert desk.probe.run_ids == [attributes(second)[semconv.RUN_ID]]
    assert [tree.agent_of(call) for call in tree.calls()] == [first, second, second]
    check_all(spans, desk.script)


async def test_two_runs_of_one_workflow_object_keep_their_own_agents(desk: Desk) -> None:
    """One after the other, and an agent by itself inside is not the workflow's."""
    desk.script.turns = CASES.turns
    workflow = AgentWorkflow(agents=[agent(desk.endpoint, "planner", desk.probe)])
    for case in range(2):
        await run(workflow, prompt(case))
    spans = desk.spans()
    tree = Tree(spans)
    assert len({attributes(one)[semconv.RUN_ID] for one in tree.named("invoke_agent ")}) == 2
    assert len(tree.named("invoke_workflow ")) == 2
    check_all(spans, desk.script)


async def test_a_refused_call_ends_the_agent_that_had_the_word(desk: Desk) -> None:
    """Workflow, agent and call are told as failed."""
    desk.script.turns = CASES.turns
    desk.provider.enqueue(Answer(status=400))
    workflow = AgentWorkflow(agents=[agent(desk.endpoint, "planner", desk.probe)])
    with pytest.raises(Exception, match="400"):
        await run(workflow, prompt())
    spans = desk.spans()
    assert len(spans) == 3
    assert {span.status.status_code for span in spans} == {StatusCode.ERROR}


class _Steps(Workflow):
    """A workflow of the application: a step with an agent in it."""

    def __init__(self, planner: FunctionAgent) -> None:
        super().__init__(timeout=None)
        self.planner = planner

    @step
    async def ask(self, ev: StartEvent) -> StopEvent:
        """The only step."""
        return StopEvent(result=str(await self.planner.run(user_msg=ev.get("question"))))


async def test_a_workflow_of_steps_goes_by_the_name_of_its_class(desk: Desk) -> None:
    """Agents inside are runs of it."""
    desk.script.turns = CASES.turns
    await _Steps(agent(desk.endpoint, "planner", desk.probe)).run(question=prompt())
    spans = desk.spans()
    assert Tree(spans).edges() == {
        ("invoke_agent planner", "invoke_workflow _Steps"),
        ("execute_tool lookup", "invoke_agent planner"),
    }
    check_all(spans, desk.script)


def _engine(desk: Desk) -> Any:
    index = SummaryIndex.from_documents([Document(text="a fact")])
    return index.as_query_engine(llm=model(desk.endpoint))


async def test_a_query_engine_is_a_workflow_where_nothing_is_told_around(desk: Desk) -> None:
    """Its calls belong to it; inside an agent they belong to the agent."""
    desk.script.turns = (FINAL,)
    _engine(desk).query(prompt())
    await _engine(desk).aquery(prompt(1))
    with spanledger.agent("reader"):
        _engine(desk).query(prompt(2))
    spans = desk.spans()
    tree = Tree(spans)
    names = ["invoke_workflow RetrieverQueryEngine"] * 2 + ["invoke_agent reader"]
    assert [getattr(tree.parent(call), "name", "") for call in tree.calls()[:2]] == names[:2]
    assert len(tree.named("invoke_workflow ")) == 2
    check_all([span for span in spans if span.name != "invoke_agent reader"], desk.script)


async def test_a_query_engine_as_a_tool_is_a_tool(desk: Desk) -> None:
    """And no workflow."""
    desk.script.turns, desk.script.one_run = (asks("query", input=PROMPT), FINAL, FINAL), True
    tool = QueryEngineTool.from_defaults(_engine(desk), name="query", description="Knows facts.")
    await run(FunctionAgent(name="planner", llm=model(desk.endpoint), tools=[tool]), prompt())
    spans = desk.spans()
    tree = Tree(spans)
    assert tree.edges() == {("execute_tool query", "invoke_agent planner")}
    assert len(tree.calls()) == 3
    check_all(spans, desk.script)


async def test_a_tool_that_waits_for_a_human_did_not_fail(desk: Desk) -> None:
    """The tool is run once more with the answer; each execution is told, neither as an error."""
    desk.script.turns = CASES.turns

    async def lookup(ctx: Context, word: str) -> str:
        """Asks before it looks a word up."""
        said = await ctx.wait_for_event(
            HumanResponseEvent, waiter_event=InputRequiredEvent(prefix="May I?")
        )
        return f"{said.response} {len(word)}"

    lookup.__annotations__.update(ctx=Context, word=str)  # the framework cannot read them as text
    planner = FunctionAgent(name="planner", llm=model(desk.endpoint), tools=[lookup])
    handler = planner.run(user_msg=prompt())
    async for event in handler.stream_events():
        if isinstance(event, InputRequiredEvent):
            handler.ctx.send_event(HumanResponseEvent(response="yes"))
    await handler
    spans = desk.spans()
    assert {span.status.status_code for span in spans} == {StatusCode.UNSET}
    assert len(Tree(spans).named("execute_tool lookup")) == 2
    check_all(spans, desk.script)


class Own(CustomLLM):
    """A model with a transport of its own, whose answers have the provider's in them."""

    url: str

    @property
    def metadata(self) -> LLMMetadata:
        """What it is."""
        return LLMMetadata(model_name=MODEL)

    @llm_completion_callback()
    def complete(self, prompt: str, formatted: bool = False, **_: Any) -> CompletionResponse:
        """Ask."""
        assert formatted in {True, False}
        raw = ask(self.url, said(prompt))
        return CompletionResponse(text="Thought: done. Answer: told", raw=raw)

    @llm_completion_callback()
    def stream_complete(
        self, prompt: str, formatted: bool = False, **_: Any
    ) -> Generator[CompletionResponse]:
        """The same in two pieces, the last of which has the counts."""

        def pieces() -> Generator[CompletionResponse]:
            whole = self.complete(prompt, formatted)
            yield CompletionResponse(text=whole.text, delta=whole.text)
            yield CompletionResponse(text=whole.text, delta="", raw=whole.raw)

        return pieces()


async def _use(llm: Own, way: str) -> None:
    messages = [ChatMessage(content=prompt())]
    if way == "complete":
        llm.complete(prompt())
    elif way == "achat":
        await llm.achat(messages)
    elif way == "stream_chat":
        assert len(list(llm.stream_chat(messages))) == 2
    elif way == "astream_chat":
        assert len([one async for one in await llm.astream_chat(messages)]) == 2
    else:
        await llm.acomplete(prompt())


@pytest.mark.parametrize("way", ["complete", "acomplete", "achat", "stream_chat", "astream_chat"])
async def test_a_model_past_our_clients_is_told_by_the_framework(way: str, desk: Desk) -> None:
    """Once, although its methods call each other."""
    desk.script.turns = (CACHED,)
    await _use(Own(url=desk.provider.url), way)
    spans = desk.spans()
    [call] = spans
    told = check_told(call)
    assert told[semconv.USAGE_CACHE_READ_TOKENS] == CACHED.cache_read_tokens
    assert told[semconv.RESPONSE_ID]
    check_all(spans, desk.script)


async def test_an_agents_model_past_our_clients_is_in_its_run(desk: Desk) -> None:
    """An agent that needs no more of a model than its texts."""
    desk.script.turns = (CACHED,)
    await run(ReActAgent(name="planner", llm=Own(url=desk.provider.url)), prompt())
    spans = desk.spans()
    tree = Tree(spans)
    [call] = tree.calls()
    assert tree.agent_of(call) is tree.named("invoke_agent planner")[0]
    check_all(spans, desk.script)


@pytest.mark.parametrize("way", ["complete", "achat", "stream_chat", "astream_chat"])
async def test_a_budget_holds_for_a_model_past_our_clients(way: str, desk: Desk) -> None:
    """Whatever is called."""
    llm = Own(url=desk.provider.url)
    await check_budget(desk, lambda: _use(llm, way))
