"""The surfaces of ``litellm`` in other services' words: Anthropic's messages, Google's contents.

Answers are plain mappings in the words of that service, whoever was asked; a stream is the bytes
of its events. They are read in the background.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, cast

from spanledger import semconv
from spanledger._calls.answer import Answer, Record, Usage, count, parse_json, text, whole
from spanledger._calls.api import Api
from spanledger._calls.call import Call
from spanledger._calls.facts import Attributes
from spanledger._formats import messages
from spanledger._formats.messages import MessageReading
from spanledger._patches.instrumentor import sampling_attributes
from spanledger._streams.body import BodyReader
from spanledger._streams.stream import stream_kind


def _record(value: Any) -> Any:
    """A mapping read like a client's model, and so what is in it."""
    if isinstance(value, Mapping):
        fields = cast("Mapping[str, Any]", value)
        return Record({name: _record(fields[name]) for name in fields})
    if isinstance(value, list):
        return [_record(item) for item in cast("list[Any]", value)]
    dump = getattr(value, "model_dump", None)
    return value if dump is None else _record(dump(by_alias=True))


def _events(given: list[Any]) -> list[Any]:
    """What a stream gave: the bytes of server-sent events, cut anywhere, or the events."""
    read: list[Any] = []
    data = b""
    for item in given:
        if isinstance(item, bytes | str):
            data += item.encode() if isinstance(item, str) else item
        else:
            read.append(_record(item))
    ended = data[: data.rfind(b"\n") + 1]  # one that was left may end within a line
    lines = [line[5:].strip() for line in ended.splitlines() if line.startswith(b"data:")]
    return [*read, *(parse_json(line) for line in lines if line not in (b"", b"[DONE]"))]


def read_message(answer: Any) -> Answer:
    """A whole message."""
    return messages.answer_of(_record(answer))


def read_message_events(given: list[Any]) -> Answer:
    """A message that was streamed."""
    reading = MessageReading({})
    for event in _events(given):
        reading.chunk(event)
    return reading.answer()


def read_content(answer: Any) -> Answer:
    """Content, whole."""
    return _content([_record(answer)])


def read_content_events(given: list[Any]) -> Answer:
    """Content that was streamed: each piece has the counts so far."""
    return _content(_events(given))


def _content(pieces: list[Any]) -> Answer:
    answer = Answer(complete=False)
    for piece in pieces:
        answer.response_id = text(piece.responseId) or answer.response_id
        answer.model = text(piece.modelVersion) or answer.model
        if piece.usageMetadata is not None:
            answer.usage = _usage(piece.usageMetadata)
        for candidate in piece.candidates or ():
            if candidate.finishReason:
                answer.finish_reasons, answer.complete = (text(candidate.finishReason),), True
            parts = candidate.content.parts if candidate.content is not None else None
            answer.texts += [text(part.text) for part in parts or ()]
    return answer


def _usage(counts: Any) -> Usage:
    given = whole(counts.promptTokenCount)
    if given is None:
        return Usage()
    thoughts = count(counts.thoughtsTokenCount)
    return Usage(
        input_tokens=given + count(counts.toolUsePromptTokenCount),
        output_tokens=count(counts.candidatesTokenCount) + thoughts,
        cache_read_tokens=count(counts.cachedContentTokenCount),
        reasoning_tokens=thoughts,
    )


def _watching(
    whole_answer: Callable[[Any], Answer], streamed: Callable[[list[Any]], Answer]
) -> Callable[[Call, Any, Mapping[str, Any]], Any]:
    def watch(call: Call, result: Any, _kwargs: Mapping[str, Any]) -> Any:
        call.keep_prompt()
        if isinstance(result, Mapping) or hasattr(result, "model_dump"):
            call.hand_over(lambda: whole_answer(result))
            return None
        # LiteLLM's plain streams have the methods of the others, which raise.
        stream = stream_kind(result, asynchronous=hasattr(result, "__aiter__"))
        return stream(result, BodyReader(call, streamed))

    return watch


def _message_request(kwargs: Mapping[str, Any]) -> Attributes:
    return sampling_attributes(kwargs, "max_tokens")


MESSAGES: Final = Api(
    operation=semconv.OPERATION_CHAT,
    request=_message_request,
    answer=read_message,
    reading=MessageReading,
    prompt=("messages", "system", "tools"),
    positional=("max_tokens", "messages", "model"),
    tier_attribute=semconv.ANTHROPIC_RESPONSE_SERVICE_TIER,
    watch=_watching(read_message, read_message_events),
    covers=True,
)


def contents(*, streams: bool) -> Api:
    """Content of Google's, whole or streamed."""
    return Api(
        operation=semconv.OPERATION_GENERATE_CONTENT,
        request=lambda _kwargs: {},
        answer=read_content,
        reading=MessageReading,  # its streams are read as bytes
        prompt=("contents", "config"),
        positional=("model", "contents", "config"),
        streams=streams,
        watch=_watching(read_content, read_content_events),
        covers=True,
    )
