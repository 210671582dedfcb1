"""Bedrock's wire format: Converse and InvokeModel, whole and as binary event streams.

Source of the shapes: the API reference of the Bedrock runtime, the user guide's pages on each
vendor's inference parameters, and the specification of ``application/vnd.amazon.eventstream``.
"""

from __future__ import annotations

import base64
import json
import struct
import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from spanledger_collector.demo import anthropic_wire, openai_wire
from spanledger_collector.demo.answers import MARKER, Answer, Request, usage_of
from spanledger_collector.demo.provider import Route, Wire

Body = dict[str, Any]
_STRING: Final = 7


def message(headers: Mapping[str, str], payload: bytes) -> bytes:
    """One message of an event stream: lengths, checksum, headers, payload, checksum."""
    named = b"".join(
        struct.pack(">B", len(name)) + name.encode() + struct.pack(">BH", _STRING, len(value))
        + value.encode()
        for name, value in headers.items()
    )  # fmt: skip
    prelude = struct.pack(">II", 16 + len(named) + len(payload), len(named))
    data = prelude + struct.pack(">I", zlib.crc32(prelude)) + named + payload
    return data + struct.pack(">I", zlib.crc32(data))


def event(name: str, data: Body) -> bytes:
    """One event."""
    headers = {":event-type": name, ":content-type": "application/json", ":message-type": "event"}
    return message(headers, json.dumps(data).encode())


def exception(name: str, text: str) -> bytes:
    """An error after the stream has begun."""
    headers = {
        ":exception-type": name,
        ":content-type": "application/json",
        ":message-type": "exception",
    }
    return message(headers, json.dumps({"message": text}).encode())


def error(_request: Request, answer: Answer) -> Body:
    """The body of an answer with an error status."""
    return {"message": f"{answer.status}: {answer.error_message}"}


def headers(request: Request, _answer: Answer) -> dict[str, str]:
    """What each answer has."""
    return {"x-amzn-requestid": f"{MARKER}-{request.serial}"}


# --- Converse -------------------------------------------------------------------------------------
def _usage(request: Request, answer: Answer) -> Body:
    usage = usage_of(request, answer)
    written = answer.cache_write_5m_tokens + answer.cache_write_1h_tokens
    hour = {"ttl": "1h", "inputTokens": answer.cache_write_1h_tokens}
    five = {"ttl": "5m", "inputTokens": answer.cache_write_5m_tokens}
    return {
        "inputTokens": usage.input_tokens - answer.cache_read_tokens - written,
        "outputTokens": usage.output_tokens,
        "totalTokens": usage.input_tokens + usage.output_tokens,
        "cacheReadInputTokens": answer.cache_read_tokens,
        "cacheWriteInputTokens": written,
        "cacheDetails": [one for one in (hour, five) if one["inputTokens"]],
    }


def _content(answer: Answer) -> list[Body]:
    tools = [
        {"toolUse": {"toolUseId": call.id or "tool-1", "name": call.name, "input": call.arguments}}
        for call in answer.tool_calls
    ]
    return tools or [{"text": answer.text}]


def converse(request: Request, answer: Answer) -> Body:
    """A whole answer."""
    body: Body = {
        "output": {"message": {"role": "assistant", "content": _content(answer)}},
        "stopReason": answer.finish_reason or "end_turn",
        "metrics": {"latencyMs": 5},
    }
    if answer.service_tier:
        body["serviceTier"] = {"type": answer.service_tier}
    if answer.model:
        body["trace"] = {"promptRouter": {"invokedModelId": answer.model}}
    return body | ({"usage": _usage(request, answer)} if answer.usage is not False else {})


def converse_events(request: Request, answer: Answer) -> Iterator[bytes]:
    """The same as a stream."""
    whole = converse(request, answer)
    yield event("messageStart", {"role": "assistant"})
    for call in answer.tool_calls:
        start = {"toolUse": {"toolUseId": call.id or "tool-1", "name": call.name}}
        yield event("contentBlockStart", {"contentBlockIndex": 0, "start": start})
        delta: Body = {"toolUse": {"input": call.arguments_json()}}
        yield event("contentBlockDelta", {"contentBlockIndex": 0, "delta": delta})
    for piece in answer.pieces() if not answer.tool_calls else ():
        yield event("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": piece}})
    if answer.status == 200 and answer.finish_reason == "throttled":
        yield exception("throttlingException", "too many tokens")
        return
    yield event("contentBlockStop", {"contentBlockIndex": 0})
    yield event("messageStop", {"stopReason": whole["stopReason"]})
    names = ("usage", "metrics", "serviceTier", "trace")
    yield event("metadata", {name: whole[name] for name in names if name in whole})


# --- InvokeModel ----------------------------------------------------------------------------------
def _titan(request: Request, answer: Answer) -> Body:
    usage = usage_of(request, answer)
    said = {
        "tokenCount": usage.output_tokens,
        "outputText": answer.text,
        "completionReason": "FINISH",
    }
    return {"inputTextTokenCount": usage.input_tokens, "results": [said]}


def _titan_chunks(request: Request, answer: Answer) -> Iterator[Body]:
    usage = usage_of(request, answer)
    for number, piece in enumerate(answer.pieces()):
        given = None if number else usage.input_tokens
        yield {
            "outputText": piece,
            "index": 0,
            "totalOutputTextTokenCount": None,
            "completionReason": None,
            "inputTextTokenCount": given,
        }
    yield {
        "outputText": "",
        "index": 0,
        "totalOutputTextTokenCount": usage.output_tokens,
        "completionReason": "FINISH",
        "inputTextTokenCount": None,
    }


def _titan_embedding(request: Request, answer: Answer) -> Body:
    given = usage_of(request, answer).input_tokens
    return {"embedding": [0.25, 0.5], "inputTextTokenCount": given}


def _nova(request: Request, answer: Answer) -> Body:
    usage = _usage(request, answer)
    renamed = {
        "cacheReadInputTokenCount": usage.pop("cacheReadInputTokens"),
        "cacheWriteInputTokenCount": usage.pop("cacheWriteInputTokens"),
    }
    body = converse(request, answer)
    return {name: body[name] for name in ("output", "stopReason")} | {"usage": usage | renamed}


def _nova_chunks(request: Request, answer: Answer) -> Iterator[Body]:
    yield {"messageStart": {"role": "assistant"}}
    for piece in answer.pieces():
        yield {"contentBlockDelta": {"delta": {"text": piece}, "contentBlockIndex": 0}}
    yield {"messageStop": {"stopReason": "end_turn"}}
    yield {"metadata": {"usage": _nova(request, answer)["usage"]}}


def _llama(request: Request, answer: Answer) -> Body:
    usage = usage_of(request, answer)
    return {
        "generation": answer.text,
        "prompt_token_count": usage.input_tokens,
        "generation_token_count": usage.output_tokens,
        "stop_reason": "stop",
    }


def _llama_chunks(request: Request, answer: Answer) -> Iterator[Body]:
    usage = usage_of(request, answer)
    pieces = answer.pieces()
    for number, piece in enumerate(pieces, start=1):
        last = number == len(pieces)
        yield {
            "generation": piece,
            "prompt_token_count": usage.input_tokens if number == 1 else None,
            "generation_token_count": usage.output_tokens if last else number,
            "stop_reason": "stop" if last else None,
        }


def _mistral(_request: Request, answer: Answer) -> Body:
    return {"outputs": [{"text": answer.text, "stop_reason": "stop"}]}


def _mistral_chunks(_request: Request, answer: Answer) -> Iterator[Body]:
    for piece in answer.pieces():
        yield {"outputs": [{"text": piece, "stop_reason": None}]}
    yield {"outputs": [{"text": "", "stop_reason": "stop"}]}


def _command(request: Request, answer: Answer) -> Body:
    return {
        "response_id": "r",
        "text": answer.text,
        "generation_id": f"{MARKER}-{request.serial}",
        "finish_reason": "COMPLETE",
    }


def _command_chunks(_request: Request, answer: Answer) -> Iterator[Body]:
    for piece in answer.pieces():
        yield {"event_type": "text-generation", "text": piece, "is_finished": False}
    yield {"event_type": "stream-end", "finish_reason": "COMPLETE", "is_finished": True}


def _cohere_embedding(request: Request, _answer: Answer) -> Body:
    return {"id": f"{MARKER}-{request.serial}", "embeddings": [[0.25, 0.5]], "texts": ["x"]}


def _ranking(request: Request, _answer: Answer) -> Body:
    documents: list[str] = request.body["documents"]
    return {
        "results": [{"index": number, "relevance_score": 0.5} for number in range(len(documents))]
    }


def _pictures(_request: Request, _answer: Answer) -> Body:
    return {"images": ["aGVsbG8="]}


def _data(events: Callable[[Request, Answer], Iterator[bytes]]) -> Callable[..., Iterator[Body]]:
    """The data of server-sent events: what is the same but for its transport."""

    def chunks(request: Request, answer: Answer) -> Iterator[Body]:
        for sent in events(request, answer):
            data = sent.partition(b"data: ")[2]
            if not data.startswith(b"[DONE]"):
                yield json.loads(data)

    return chunks


#: Part of a model's id -> its vendor's format, whole and in chunks.
VENDORS: Final[Mapping[str, tuple[Callable[..., Body], Callable[..., Iterator[Body]] | None]]] = {
    "anthropic.": (anthropic_wire.message, _data(anthropic_wire.message_events)),
    "openai.": (openai_wire.chat, _data(openai_wire.chat_events)),
    "amazon.nova-canvas": (_pictures, None),
    "amazon.nova": (_nova, _nova_chunks),
    "amazon.titan-text": (_titan, _titan_chunks),
    "amazon.titan-embed": (_titan_embedding, None),
    "meta.": (_llama, _llama_chunks),
    "mistral.": (_mistral, _mistral_chunks),
    "cohere.command": (_command, _command_chunks),
    "cohere.embed": (_cohere_embedding, None),
    "cohere.rerank": (_ranking, None),
}


def _vendor(request: Request) -> str:
    return next(part for part in VENDORS if part in request.model)


def invoke(request: Request, answer: Answer) -> Body:
    """A whole answer, in its vendor's format."""
    return VENDORS[_vendor(request)][0](request, answer)


def invoke_headers(request: Request, answer: Answer) -> dict[str, str]:
    """Bedrock's own counts stand in the headers; a model of embeddings tells its input alone."""
    told = headers(request, answer)
    if answer.usage is False:
        return told
    usage = _usage(request, answer)
    counts = {
        "input": usage["inputTokens"],
        "output": usage["outputTokens"],
        "cache-read-input": usage["cacheReadInputTokens"],
        "cache-write-input": usage["cacheWriteInputTokens"],
    }
    if "embed" in request.model:
        del counts["output"]
    return told | {f"X-Amzn-Bedrock-{name}-Token-Count": str(n) for name, n in counts.items()}


def invoke_events(request: Request, answer: Answer) -> Iterator[bytes]:
    """The same in chunks; the last has Bedrock's own counts."""
    make = VENDORS[_vendor(request)][1]
    chunks = list(make(request, answer)) if make else []
    usage = _usage(request, answer)
    if answer.usage is not False:
        chunks[-1]["amazon-bedrock-invocationMetrics"] = {
            "inputTokenCount": usage["inputTokens"],
            "outputTokenCount": usage["outputTokens"],
            "cacheReadInputTokenCount": usage["cacheReadInputTokens"],
            "cacheWriteInputTokenCount": usage["cacheWriteInputTokens"],
            "invocationLatency": 12,
            "firstByteLatency": 3,
        }
    for chunk in chunks:
        yield event("chunk", {"bytes": base64.b64encode(json.dumps(chunk).encode()).decode()})


_KIND: Final = "application/vnd.amazon.eventstream"
ROUTES: Final[Mapping[str, Route]] = {
    "/model/{model}/converse": Wire(converse, headers=headers, error=error),
    "/model/{model}/converse-stream": Wire(None, converse_events, _KIND, headers, error),
    "/model/{model}/invoke": Wire(invoke, headers=invoke_headers, error=error),
    "/model/{model}/invoke-with-response-stream": Wire(None, invoke_events, _KIND, headers, error),
}
