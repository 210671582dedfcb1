"""Tools, chains and chat models of ``langchain``, also beside its oldest version.

The models ask the simulated provider past our clients, like those of ``test_model_calls``.
"""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.caches import InMemoryCache
from langchain_core.language_models import BaseChatModel
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.tools import StructuredTool, ToolException
from opentelemetry.trace import StatusCode
from tests.sdk.frameworks.cases_langgraph import agent, asked
from tests.sdk.frameworks.cases_langgraph import model as measured_model
from tests.sdk.frameworks.conftest import Desk
from tests.sdk.frameworks.contract import FINAL, LOOKUP, MODEL, Tree, attributes, check_all, prompt
from tests.sdk.frameworks.own_chat_models import Around, Chat, Streaming
from tests.sdk.frameworks.transport import CACHED

import spanledger
from spanledger import semconv


async def _all(stream: Any) -> list[Any]:
    return [item async for item in stream]


@pytest.mark.parametrize("way", ["invoke", "ainvoke", "stream", "astream", "batch"])
async def test_langchain_tells_models_over_clients_that_are_not_measured(
    way: str, desk: Desk
) -> None:
    """Whatever is called, and whether the model streams by itself or not."""
    desk.script.turns = (CACHED,)
    model = Streaming(url=desk.provider.url)
    if way == "batch":
        model.batch([prompt()])
    elif way == "stream":
        assert [chunk.content for chunk in model.stream(prompt())][:2] == ["so: ", "told"]
    elif way == "astream":
        assert len(await _all(model.astream(prompt()))) >= 2
    else:
        made = model.invoke(prompt()) if way == "invoke" else await model.ainvoke(prompt())
        assert made.content == "told"
    [span] = desk.spans()
    told = attributes(span)
    assert span.name == f"chat {MODEL}"
    assert told[semconv.PROVIDER_NAME] == "gcp.vertex_ai"
    assert told[semconv.USAGE_SOURCE] == "provider"
    assert told[semconv.USAGE_CACHE_READ_TOKENS] == 400
    assert told[semconv.RESPONSE_MODEL].startswith(MODEL)
    assert told[semconv.RESPONSE_ID]
    assert (semconv.RESPONSE_TIME_TO_FIRST_CHUNK in told) == ("stream" in way)
    check_all([span], desk.script)


def test_langchain_tells_no_answer_of_a_cache_and_none_without_usage(desk: Desk) -> None:
    """Nothing was asked, or nobody knows what was used."""
    desk.script.turns = (CACHED,)
    model = Chat(url=desk.provider.url, cache=InMemoryCache())
    model.invoke(prompt())
    model.invoke(prompt())
    Chat(url=desk.provider.url, tells=False).invoke(prompt())
    assert len(desk.provider.requests) == 2
    assert len(desk.spans()) == 1


def test_langchain_tells_a_model_in_a_model_once(desk: Desk) -> None:
    """By the inner one, or by the client below it."""
    desk.script.turns = (CACHED,)
    chat = Chat(url=desk.provider.url)
    client = measured_model(desk.endpoint)
    Around(url="", others=[chat]).invoke(prompt())
    Around(url="", others=[client]).invoke(prompt())
    Around(url="", others=[client, chat]).invoke(prompt())
    check_all(desk.spans(), desk.script)
    assert len(desk.spans()) == len(desk.provider.requests) == 4


def _nothing(*_args: Any) -> None:
    """Generate nothing."""


def test_classes_are_put_back_as_they_were(desk: Desk) -> None:
    """Those from before, those made meanwhile, and what makes them."""
    desk.script.turns = (CACHED,)
    meanwhile: Any = type("Later", (Chat,), {"_generate": _nothing})
    assert all("_generate" in vars(one) for one in (Chat, meanwhile))
    with desk.plain():
        assert type(vars(Chat)["_generate"]).__name__ == "function"
        assert type(vars(meanwhile)["_generate"]).__name__ == "function"
        assert "__init_subclass__" not in vars(BaseChatModel)
        Chat(url=desk.provider.url).invoke(prompt())
    assert not desk.spans()


def test_tools_that_handle_their_errors_are_told_as_failed(desk: Desk) -> None:
    """A tool that returns an error message raises nothing."""

    def refuse(word: str) -> str:
        raise ToolException(word)

    tool = StructuredTool.from_function(
        refuse, name="lookup", description="Refuses.", handle_tool_error=True
    )
    desk.script.turns = (LOOKUP, FINAL)
    agent(desk.endpoint, "planner", desk.probe, tool).invoke(asked(prompt()))
    spans = desk.spans()
    [told] = Tree(spans).named("execute_tool lookup")
    assert attributes(told)[semconv.ERROR_TYPE] == "tool_error"
    check_all(spans, desk.script)


@pytest.mark.parametrize("way", ["invoke", "batch", "stream", "ainvoke", "abatch", "astream"])
async def test_a_chain_is_a_workflow_where_nothing_is_around(desk: Desk, way: str) -> None:
    """``prompt | model``: one workflow with its call; inside an agent, the call alone."""
    desk.script.turns = (FINAL,)
    chain: Any = ChatPromptTemplate.from_template("{question}") | measured_model(desk.endpoint)
    given: Any = {"question": prompt()}

    async def run() -> None:
        called = getattr(chain, way)([given] if "batch" in way else given)
        if way == "stream":
            assert list(called)
        elif way == "astream":
            assert [chunk async for chunk in called]
        elif way.startswith("a"):
            await called

    await run()
    tree = Tree(desk.spans())
    assert all(span.status.status_code is StatusCode.UNSET for span in tree.spans)
    check_all(tree.spans, desk.script)
    [call] = tree.named("chat ")
    [workflow] = tree.named("invoke_workflow RunnableSequence")
    assert tree.parent(call) is workflow
    assert len(tree.spans) == 2
    with spanledger.agent("planner"):
        await run()
    assert [span.name for span in desk.spans()[2:]] == [f"chat {MODEL}"]
