"""The calls that are made: each in every way a client offers it, with an answer of its own.

A call's number stands in its prompt, and the server answers with token counts made of it: whoever
counts a call twice, or another one, has another sum.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Final

CHAT_MODEL: Final = "gpt-4.1-mini"
EMBEDDING_MODEL: Final = "text-embedding-3-small"
MESSAGE_MODEL: Final = "claude-sonnet-4-5-20250929"
_USAGE: Final = {"stream_options": {"include_usage": True}}


@dataclass(frozen=True, slots=True)
class Clients:
    """The clients of one application, and the event loop that its asynchronous calls run on."""

    openai: Any
    async_openai: Any
    anthropic: Any
    async_anthropic: Any
    langchain: Any
    loop: asyncio.AbstractEventLoop


def make_clients(openai_url: str, anthropic_url: str) -> Clients:
    """Clients of a simulated provider."""
    import anthropic
    import langchain_openai
    import openai

    def of(module: ModuleType, name: str, url: str) -> Any:
        http = f"Default{'Async' if 'Async' in name else ''}HttpxClient"
        plain = getattr(module, http)(verify=False)  # no certificates to load: plain HTTP
        return getattr(module, name)(base_url=url, api_key="made-up", http_client=plain)

    sync, asynchronous = of(openai, "OpenAI", openai_url), of(openai, "AsyncOpenAI", openai_url)
    return Clients(
        openai=sync,
        async_openai=asynchronous,
        anthropic=of(anthropic, "Anthropic", anthropic_url),
        async_anthropic=of(anthropic, "AsyncAnthropic", anthropic_url),
        langchain=langchain_openai.ChatOpenAI(
            model=CHAT_MODEL,
            api_key="made-up",  # pyright: ignore[reportArgumentType] -- takes text too
            client=sync.chat.completions,
            async_client=asynchronous.chat.completions,
            root_client=sync,
            root_async_client=asynchronous,
            stream_usage=True,
        ),
        loop=asyncio.new_event_loop(),
    )


#: What the application sees: the class and the text of a result, the pieces of a stream.
Told = list[str]
Run = Callable[[Clients, str], Told]


def _kind(result: Any) -> str:
    return type(result).__name__


def _asking(prompt: str) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": prompt}]}


# --- openai ---------------------------------------------------------------------------------------
def _chat_pieces(chunk: Any) -> Told:
    return [choice.delta.content or "" for choice in chunk.choices]


def _chat(clients: Clients, prompt: str) -> Told:
    made = clients.openai.chat.completions.create(model=CHAT_MODEL, **_asking(prompt))
    return [_kind(made), made.choices[0].message.content]


async def _chat_async(clients: Clients, prompt: str) -> Told:
    made = await clients.async_openai.chat.completions.create(model=CHAT_MODEL, **_asking(prompt))
    return [_kind(made), made.choices[0].message.content]


def _chat_stream(clients: Clients, prompt: str) -> Told:
    stream = clients.openai.chat.completions.create(
        model=CHAT_MODEL, stream=True, **_asking(prompt), **_USAGE
    )
    return [piece for chunk in stream for piece in _chat_pieces(chunk)]


def _chat_stream_without_usage(clients: Clients, prompt: str) -> Told:
    stream = clients.openai.chat.completions.create(
        model=CHAT_MODEL, stream=True, **_asking(prompt)
    )
    return [piece for chunk in stream for piece in _chat_pieces(chunk)]


def _chat_stream_in_with(clients: Clients, prompt: str) -> Told:
    with clients.openai.chat.completions.create(
        model=CHAT_MODEL, stream=True, **_asking(prompt), **_USAGE
    ) as stream:
        return [piece for chunk in stream for piece in _chat_pieces(chunk)]


async def _chat_async_stream(clients: Clients, prompt: str) -> Told:
    stream = await clients.async_openai.chat.completions.create(
        model=CHAT_MODEL, stream=True, **_asking(prompt), **_USAGE
    )
    return [piece async for chunk in stream for piece in _chat_pieces(chunk)]


def _response(clients: Clients, prompt: str) -> Told:
    made = clients.openai.responses.create(model=CHAT_MODEL, input=prompt)
    return [_kind(made), made.output_text]


def _response_stream(clients: Clients, prompt: str) -> Told:
    stream = clients.openai.responses.create(model=CHAT_MODEL, input=prompt, stream=True)
    return [event.type for event in stream]


async def _response_async_stream(clients: Clients, prompt: str) -> Told:
    stream = await clients.async_openai.responses.create(
        model=CHAT_MODEL, input=prompt, stream=True
    )
    return [event.type async for event in stream]


def _response_helper(clients: Clients, prompt: str) -> Told:
    with clients.openai.responses.stream(model=CHAT_MODEL, input=prompt) as stream:
        return [event.type for event in stream]


def _embeddings(clients: Clients, prompt: str) -> Told:
    made = clients.openai.embeddings.create(model=EMBEDDING_MODEL, input=[prompt])
    return [_kind(made), str(len(made.data[0].embedding))]


# --- anthropic ------------------------------------------------------------------------------------
def _message_options(prompt: str) -> dict[str, Any]:
    return {"model": MESSAGE_MODEL, "max_tokens": 99, **_asking(prompt)}


def _message(clients: Clients, prompt: str) -> Told:
    made = clients.anthropic.messages.create(**_message_options(prompt))
    return [_kind(made), made.content[0].text]


async def _message_async(clients: Clients, prompt: str) -> Told:
    made = await clients.async_anthropic.messages.create(**_message_options(prompt))
    return [_kind(made), made.content[0].text]


def _message_stream(clients: Clients, prompt: str) -> Told:
    stream = clients.anthropic.messages.create(stream=True, **_message_options(prompt))
    return [event.type for event in stream]


async def _message_async_stream(clients: Clients, prompt: str) -> Told:
    stream = await clients.async_anthropic.messages.create(stream=True, **_message_options(prompt))
    return [event.type async for event in stream]


def _message_helper(clients: Clients, prompt: str) -> Told:
    with clients.anthropic.messages.stream(**_message_options(prompt)) as stream:
        return ["".join(stream.text_stream), stream.get_final_message().content[0].text]


async def _message_async_helper(clients: Clients, prompt: str) -> Told:
    async with clients.async_anthropic.messages.stream(**_message_options(prompt)) as stream:
        pieces = [piece async for piece in stream.text_stream]
        return ["".join(pieces), (await stream.get_final_message()).content[0].text]


# --- langchain, over openai -----------------------------------------------------------------------
def _langchain(clients: Clients, prompt: str) -> Told:
    made = clients.langchain.invoke(prompt)
    return [_kind(made), made.content]


async def _langchain_async(clients: Clients, prompt: str) -> Told:
    made = await clients.langchain.ainvoke(prompt)
    return [_kind(made), made.content]


def _langchain_stream(clients: Clients, prompt: str) -> Told:
    return [chunk.content for chunk in clients.langchain.stream(prompt)]


async def _langchain_async_stream(clients: Clients, prompt: str) -> Told:
    return [chunk.content async for chunk in clients.langchain.astream(prompt)]


def _awaited(call: Callable[[Clients, str], Awaitable[Told]]) -> Run:
    return lambda clients, prompt: clients.loop.run_until_complete(call(clients, prompt))


#: The one that the provider sends no token counts for.
UNMETERED: Final = "chat stream without usage"
CALLS: Final[Mapping[str, Run]] = {
    "chat": _chat,
    "chat async": _awaited(_chat_async),
    "chat stream": _chat_stream,
    "chat stream in with": _chat_stream_in_with,
    "chat async stream": _awaited(_chat_async_stream),
    UNMETERED: _chat_stream_without_usage,
    "response": _response,
    "response stream": _response_stream,
    "response async stream": _awaited(_response_async_stream),
    "response helper": _response_helper,
    "embeddings": _embeddings,
    "message": _message,
    "message async": _awaited(_message_async),
    "message stream": _message_stream,
    "message async stream": _awaited(_message_async_stream),
    "message helper": _message_helper,
    "message async helper": _awaited(_message_async_helper),
    "langchain": _langchain,
    "langchain async": _awaited(_langchain_async),
    "langchain stream": _langchain_stream,
    "langchain async stream": _awaited(_langchain_async_stream),
}
#: What is called again after one of the instrumentations was taken off.
AGAIN: Final = ("chat", "message stream")
