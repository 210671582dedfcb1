"""Models whose provider is asked past our clients: told once, by the framework that sees the usage.

The models ask the simulated provider by themselves (``own_models``).
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from agents import Agent as OpenAIAgent
from agents import RunConfig, Runner
from agents.models.openai_responses import OpenAIResponsesWSModel
from openai import AsyncOpenAI
from pydantic_ai import Agent
from pydantic_ai.messages import ModelResponse, TextPart
from pydantic_ai.models import Model
from pydantic_ai.models.fallback import FallbackModel
from pydantic_ai.models.function import FunctionModel
from pydantic_ai.models.wrapper import WrapperModel
from smolagents.models import ChatMessage, MessageRole
from tests.sdk.frameworks.conftest import Desk
from tests.sdk.frameworks.contract import FINAL, MODEL, Tree, attributes, check_all, prompt
from tests.sdk.frameworks.own_models import Own, Small
from tests.sdk.frameworks.transport import CACHED
from websockets.asyncio.server import ServerConnection, serve

from spanledger import semconv


async def _all(stream: Any) -> list[Any]:
    return [item async for item in stream]


async def _responds(connection: ServerConnection) -> None:
    """The server of OpenAI's responses over a socket."""
    head = {"id": "resp_1", "object": "response", "created_at": 1, "model": MODEL, "tools": []}
    head |= {"parallel_tool_calls": True, "tool_choice": "auto"}
    message = {"type": "message", "id": "m", "role": "assistant", "status": "completed"}
    said = [{"type": "output_text", "text": "told", "annotations": []}]
    used = {"input_tokens": 1000, "output_tokens": 70, "total_tokens": 1070}
    used |= {"input_tokens_details": {"cached_tokens": 400}}
    used |= {"output_tokens_details": {"reasoning_tokens": 20}}
    done = {**head, "status": "completed", "output": [{**message, "content": said}], "usage": used}
    async for _ in connection:
        begun = {**head, "status": "in_progress", "output": []}
        for number, (kind, response) in enumerate([("created", begun), ("completed", done)]):
            event = {"type": f"response.{kind}", "sequence_number": number, "response": response}
            await connection.send(json.dumps(event))


@pytest.mark.parametrize("streamed", [False, True])
async def test_openai_agents_tells_responses_over_a_socket(desk: Desk, *, streamed: bool) -> None:
    """No HTTP request is made, so no client sees the call."""
    async with (
        serve(_responds, "127.0.0.1", 0) as server,
        AsyncOpenAI(
            api_key="made-up", base_url=f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        ) as client,
    ):
        model = OpenAIResponsesWSModel(MODEL, client)
        config = RunConfig(tracing_disabled=True)
        if streamed:
            result: Any = Runner.run_streamed(OpenAIAgent("a", model=model), "q", run_config=config)
            assert await _all(result.stream_events())
        else:
            result = await Runner.run(OpenAIAgent("a", model=model), "q", run_config=config)
        assert result.final_output == "told"
        await model.close()
    tree = Tree(desk.spans())
    [call] = tree.calls()
    told = attributes(call)
    assert told[semconv.REQUEST_MODEL] == MODEL
    assert told[semconv.PROVIDER_NAME] == "self_hosted"  # as the client itself is told there
    assert told[semconv.SERVER_ADDRESS] == "127.0.0.1"
    assert (told[semconv.USAGE_INPUT_TOKENS], told[semconv.USAGE_OUTPUT_TOKENS]) == (1000, 70)
    assert told[semconv.USAGE_CACHE_READ_TOKENS] == 400
    assert told[semconv.USAGE_REASONING_OUTPUT_TOKENS] == 20
    assert told[semconv.RESPONSE_ID] == "resp_1"
    owner = tree.agent_of(call)
    assert owner is not None
    assert told[semconv.RUN_ID] == attributes(owner)[semconv.RUN_ID]


@pytest.mark.parametrize("wrapped", ["plain", "wrapper", "fallback"])
@pytest.mark.parametrize("streamed", [False, True])
async def test_pydantic_ai_tells_models_over_clients_that_are_not_measured(
    wrapped: str, desk: Desk, *, streamed: bool
) -> None:
    """Once, also where a model stands around it."""
    desk.script.turns = (CACHED,)
    own = Own(desk.provider.url)
    around: dict[str, Model] = {
        "plain": own,
        "wrapper": WrapperModel(own),
        "fallback": FallbackModel(own, own),
    }
    agent = Agent(around[wrapped], name="a")
    if streamed:
        async with agent.run_stream(prompt()) as result:
            assert await result.get_output() == "told"
    else:
        assert (await agent.run(prompt())).output == "told"
    spans = desk.spans()
    [call] = Tree(spans).calls()
    told = attributes(call)
    assert told[semconv.PROVIDER_NAME] == "gcp.vertex_ai"
    assert told[semconv.USAGE_CACHE_READ_TOKENS] == 400
    assert told[semconv.RESPONSE_ID]
    check_all(spans, desk.script)


def _made_up(*_args: Any) -> ModelResponse:
    return ModelResponse([TextPart(FINAL.text)])


async def test_models_that_make_their_counts_up_are_not_told(desk: Desk) -> None:
    """Those of the framework's own for tests."""
    agent = Agent(FunctionModel(_made_up), name="a")
    await agent.run(prompt())
    assert [span.name for span in desk.spans()] == ["invoke_agent a"]


def test_smolagents_tells_models_over_clients_that_are_not_measured(desk: Desk) -> None:
    """Whole, and the sum of the pieces of a stream."""
    desk.script.turns = (CACHED,)
    asked = [ChatMessage(role=MessageRole.USER, content=prompt())]
    assert Small(desk.provider.url).generate(asked).content == "told"
    assert len(list(Small(desk.provider.url).generate_stream(asked))) == 2
    spans = desk.spans()
    assert [span.name for span in spans] == [f"chat {MODEL}"] * 2
    check_all(spans, desk.script)
