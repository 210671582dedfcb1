"""Chat models of LangChain that ask the simulated provider past every client (``own_models``)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from tests.sdk.frameworks.contract import MODEL
from tests.sdk.frameworks.transport import ask


class Chat(BaseChatModel):
    """A chat model of LangChain with a transport of its own."""

    model: str = MODEL
    url: str
    tells: bool = True

    @property
    def _llm_type(self) -> str:
        return "own"

    def _get_ls_params(self, stop: Any = None, **kwargs: Any) -> Any:
        return {**super()._get_ls_params(stop, **kwargs), "ls_provider": "google_vertexai"}

    def _message(self, messages: list[BaseMessage], kind: Any) -> Any:
        told = ask(self.url, [{"role": "user", "content": str(one.content)} for one in messages])
        used = told["usage"]
        usage = {
            "input_tokens": used["prompt_tokens"],
            "output_tokens": used["completion_tokens"],
            "total_tokens": used["total_tokens"],
            "input_token_details": {"cache_read": used["prompt_tokens_details"]["cached_tokens"]},
        }
        return kind(
            told["choices"][0]["message"]["content"],
            usage_metadata=usage if self.tells else None,
            response_metadata={"model_name": told["model"], "finish_reason": "stop"},
            id=told["id"],
        )

    def _generate(self, messages: list[BaseMessage], *_args: Any, **_more: Any) -> ChatResult:
        message = self._message(messages, AIMessage)
        return ChatResult(generations=[ChatGeneration(message=message)])


class Streaming(Chat):
    """The same, which streams; its usage is in the last chunk."""

    def _stream(
        self, messages: list[BaseMessage], *_args: Any, **_more: Any
    ) -> Iterator[ChatGenerationChunk]:
        yield ChatGenerationChunk(message=AIMessageChunk(content="so: "))
        yield ChatGenerationChunk(message=self._message(messages, AIMessageChunk))


class Around(Chat):
    """A model that asks others, and gives the answer of the last."""

    others: list[BaseChatModel]

    def _generate(self, messages: list[BaseMessage], *_args: Any, **_more: Any) -> ChatResult:
        made = [other.invoke(messages) for other in self.others]
        return ChatResult(generations=[ChatGeneration(message=made[-1])])
