"""Models of frameworks that ask the simulated provider past every client.

As an integration does that has a transport of its own; the framework calls them as it calls any.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from typing import Any

from agents import ModelResponse as AgentsResponse
from agents import Usage as AgentsUsage
from agents.models.interface import Model as AgentsModel
from openai.types.responses import ResponseOutputMessage, ResponseOutputText
from pydantic_ai.messages import ModelResponse, TextPart
from pydantic_ai.models import Model
from pydantic_ai.models.function import FunctionModel
from pydantic_ai.usage import RequestUsage
from smolagents.models import ChatMessage, ChatMessageStreamDelta, MessageRole
from smolagents.models import Model as SmolModel
from smolagents.monitoring import TokenUsage
from tests.sdk.frameworks.contract import MODEL, prompt
from tests.sdk.frameworks.transport import ask, said


class Own(Model):
    """A model of pydantic-ai with a transport of its own."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url

    @property
    def model_name(self) -> str:
        """What is asked for."""
        return MODEL

    @property
    def system(self) -> str:
        """Who is asked."""
        return "google-vertex"

    async def request(self, *_args: Any, **_more: Any) -> ModelResponse:
        """Ask."""
        return await self._respond()

    async def _respond(self) -> ModelResponse:
        told = await asyncio.to_thread(ask, self._url, said(prompt()))
        used = told["usage"]
        cached = used["prompt_tokens_details"]["cached_tokens"]
        return ModelResponse(
            [TextPart(told["choices"][0]["message"]["content"])],
            usage=RequestUsage(
                input_tokens=used["prompt_tokens"],
                output_tokens=used["completion_tokens"],
                cache_read_tokens=cached,
            ),
            model_name=told["model"],
            provider_name=self.system,
            provider_response_id=told["id"],
        )

    @asynccontextmanager
    async def request_stream(self, *args: Any, **_more: Any) -> AsyncGenerator[Any]:
        """The same, whose answer is there as soon as it is asked for."""
        response = await self._respond()
        async with FunctionModel(stream_function=_words).request_stream(*args) as stream:
            yield _Stream(stream, response)


class _Stream:
    """The framework's stream, of an answer that has a usage."""

    def __init__(self, stream: Any, response: ModelResponse) -> None:
        self._stream, self._response = stream, response

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def __aiter__(self) -> Any:
        return aiter(self._stream)

    def get(self) -> ModelResponse:
        """What was answered."""
        return self._response


async def _words(*_args: Any) -> AsyncGenerator[str]:
    yield "told"


class Small(SmolModel):
    """A model of smolagents with a transport of its own."""

    def __init__(self, url: str) -> None:
        super().__init__(model_id=MODEL)
        self._url = url

    def generate(self, messages: Any, *_args: Any, **_more: Any) -> ChatMessage:
        """Ask."""
        told = ask(self._url, [{"role": "user", "content": str(one.content)} for one in messages])
        used = told["usage"]
        return ChatMessage(
            role=MessageRole.ASSISTANT,
            content=told["choices"][0]["message"]["content"],
            token_usage=TokenUsage(used["prompt_tokens"], used["completion_tokens"]),
        )

    def generate_stream(self, messages: Any, *args: Any) -> Iterator[ChatMessageStreamDelta]:
        """The same, whose counts come piece by piece."""
        yield ChatMessageStreamDelta("so: ", token_usage=TokenUsage(0, 0))
        made = self.generate(messages, *args)
        yield ChatMessageStreamDelta(str(made.content), token_usage=made.token_usage)


class Raw(AgentsModel):
    """A model of the agents SDK with a transport of its own."""

    def __init__(self, url: str) -> None:
        self.model = MODEL
        self._url = url

    async def get_response(self, *args: Any, **more: Any) -> AgentsResponse:
        """Ask."""
        told = await asyncio.to_thread(ask, self._url, said(str((args, more))[:50]))
        used = told["usage"]
        piece = ResponseOutputText(type="output_text", text="told", annotations=[])
        return AgentsResponse(
            output=[
                ResponseOutputMessage(
                    id="m", type="message", role="assistant", status="completed", content=[piece]
                )
            ],
            usage=AgentsUsage(
                requests=1,
                input_tokens=used["prompt_tokens"],
                output_tokens=used["completion_tokens"],
                total_tokens=used["total_tokens"],
            ),
            response_id=told["id"],
        )

    def stream_response(self, *_args: Any, **_more: Any) -> Any:
        """The interface asks for it; no test of these models streams."""
        raise AssertionError("a run that does not stream asked for a stream")
