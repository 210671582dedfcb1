"""OpenAI's wire format: chat completions, responses and embeddings, as JSON and as event streams.

Every function is pure: request and answer in, body or events out. Source of the shapes: OpenAI's
public API reference (chat, responses, embeddings; streaming events).
"""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Iterator
from typing import Any, cast

from spanledger_collector.demo.answers import MARKER, Answer, Request, usage_of

#: A fixed creation time: answers are deterministic.
CREATED = 1_760_000_000

Body = dict[str, Any]


def event(data: Body) -> bytes:
    """One server-sent event without a name, as chat completions stream them."""
    return b"data: " + json.dumps(data, separators=(",", ":")).encode() + b"\n\n"


def named_event(data: Body) -> bytes:
    """One server-sent event whose name is the ``type`` of its data (responses, messages)."""
    return b"event: " + str(data["type"]).encode() + b"\n" + event(data)


def error(answer: Answer) -> Body:
    """The body of an answer with an error status."""
    kinds = {429: "rate_limit_exceeded", 401: "invalid_request_error", 400: "invalid_request_error"}
    kind = kinds.get(answer.status, "server_error")
    return {
        "error": {"message": answer.error_message, "type": kind, "param": None, "code": kind},
    }


# --- chat completions -----------------------------------------------------------------------------
def chat(request: Request, answer: Answer) -> Body:
    """A whole chat completion, with as many choices as asked for."""
    head = _chat_head(request, answer, "chat.completion")
    message: Body = {"role": "assistant", "content": answer.text, "refusal": None}
    if answer.tool_calls:
        message |= {"content": None, "tool_calls": _chat_tools(request, answer)}
    head["choices"] = [
        {"index": index, "message": message, "logprobs": None, "finish_reason": _finish(answer)}
        for index in range(int(request.body.get("n") or 1))
    ]
    if answer.usage is not False:
        head["usage"] = _chat_usage(request, answer)
    return head


def chat_events(request: Request, answer: Answer) -> Iterator[bytes]:
    """The same completion as a stream, closed by ``[DONE]``."""
    options: Body = request.body.get("stream_options") or {}
    asked = bool(options.get("include_usage"))
    with_usage = asked if answer.usage is None else answer.usage
    head = _chat_head(request, answer, "chat.completion.chunk")
    if asked:
        head["usage"] = None
    choices = range(int(request.body.get("n") or 1))
    for delta in _chat_deltas(request, answer):
        for index in choices:
            yield event({**head, "choices": [_chunk(index, delta, None)]})
    for index in choices:
        yield event({**head, "choices": [_chunk(index, {}, _finish(answer))]})
    if with_usage:
        yield event({**head, "choices": [], "usage": _chat_usage(request, answer)})
    yield b"data: [DONE]\n\n"


def _chat_head(request: Request, answer: Answer, kind: str) -> Body:
    return {
        "id": f"chatcmpl-{MARKER}-{request.serial}",
        "object": kind,
        "created": CREATED,
        "model": answer.model or request.model,
        "service_tier": answer.service_tier or "default",
        "system_fingerprint": MARKER,
    }


def _chunk(index: int, delta: Body, finish: str | None) -> Body:
    return {"index": index, "delta": delta, "logprobs": None, "finish_reason": finish}


def _chat_deltas(request: Request, answer: Answer) -> Iterator[Body]:
    yield {"role": "assistant", "content": "" if not answer.tool_calls else None, "refusal": None}
    if not answer.tool_calls:
        for piece in answer.pieces():
            yield {"content": piece}
        return
    for index, call in enumerate(_chat_tools(request, answer)):
        arguments = call["function"]["arguments"]
        opening = {**call["function"], "arguments": ""}
        yield {"tool_calls": [{"index": index, **call, "function": opening}]}
        half = len(arguments) // 2
        for part in (arguments[:half], arguments[half:]):
            yield {"tool_calls": [{"index": index, "function": {"arguments": part}}]}


def _chat_tools(request: Request, answer: Answer) -> list[Body]:
    return [
        {
            "id": call.id or f"call_{MARKER}_{request.serial}_{index}",
            "type": "function",
            "function": {"name": call.name, "arguments": call.arguments_json()},
        }
        for index, call in enumerate(answer.tool_calls)
    ]


def _finish(answer: Answer) -> str:
    return answer.finish_reason or ("tool_calls" if answer.tool_calls else "stop")


def _chat_usage(request: Request, answer: Answer) -> Body:
    usage = usage_of(request, answer)
    return {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.input_tokens + usage.output_tokens,
        "prompt_tokens_details": {
            "cached_tokens": answer.cache_read_tokens,
            "audio_tokens": answer.audio_input_tokens,
        },
        "completion_tokens_details": {
            "reasoning_tokens": answer.reasoning_tokens,
            "audio_tokens": answer.audio_output_tokens,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


# --- responses ------------------------------------------------------------------------------------
def response(request: Request, answer: Answer) -> Body:
    """A finished response object."""
    body = _response_head(request, answer)
    body |= {"status": "completed", "output": _output_items(request, answer)}
    if answer.usage is not False:
        body["usage"] = _response_usage(request, answer)
    return body


def response_events(request: Request, answer: Answer) -> Iterator[bytes]:
    """The same response as its stream of typed, numbered events."""
    for number, data in enumerate(_response_data(request, answer)):
        yield named_event({**data, "sequence_number": number})


def _response_data(request: Request, answer: Answer) -> Iterator[Body]:
    opening: Body = {**_response_head(request, answer), "status": "in_progress", "output": []}
    yield {"type": "response.created", "response": opening}
    yield {"type": "response.in_progress", "response": opening}
    for index, item in enumerate(_output_items(request, answer)):
        where: Body = {"output_index": index, "item_id": item["id"]}
        if item["type"] == "message":
            yield from _message_data(index, where, item, answer)
        else:
            yield from _call_data(index, where, item)
        yield {"type": "response.output_item.done", "output_index": index, "item": item}
    yield {"type": "response.completed", "response": response(request, answer)}


def _message_data(index: int, where: Body, item: Body, answer: Answer) -> Iterator[Body]:
    opening: Body = {**item, "status": "in_progress", "content": []}
    yield {"type": "response.output_item.added", "output_index": index, "item": opening}
    part = item["content"][0]
    where = {**where, "content_index": 0}
    yield {"type": "response.content_part.added", **where, "part": {**part, "text": ""}}
    for piece in answer.pieces():
        yield {"type": "response.output_text.delta", **where, "delta": piece, "logprobs": []}
    yield {"type": "response.output_text.done", **where, "text": answer.text, "logprobs": []}
    yield {"type": "response.content_part.done", **where, "part": part}


def _call_data(index: int, where: Body, item: Body) -> Iterator[Body]:
    opening: Body = {**item, "status": "in_progress", "arguments": ""}
    yield {"type": "response.output_item.added", "output_index": index, "item": opening}
    done = {"name": item["name"], "arguments": item["arguments"]}
    name = "response.function_call_arguments"
    yield {"type": f"{name}.delta", **where, "delta": item["arguments"]}
    yield {"type": f"{name}.done", **where, **done}


def _response_head(request: Request, answer: Answer) -> Body:
    return {
        "id": f"resp_{MARKER}_{request.serial}",
        "object": "response",
        "created_at": CREATED,
        "error": None,
        "incomplete_details": None,
        "instructions": request.body.get("instructions"),
        "metadata": {"answer": MARKER},
        "model": answer.model or request.model,
        "parallel_tool_calls": True,
        "previous_response_id": request.body.get("previous_response_id"),
        "service_tier": answer.service_tier or "default",
        "temperature": request.body.get("temperature", 1.0),
        "text": request.body.get("text") or {"format": {"type": "text"}},
        "tool_choice": "auto",
        "tools": request.body.get("tools") or [],
        "top_p": 1.0,
        "usage": None,
    }


def _output_items(request: Request, answer: Answer) -> list[Body]:
    if not answer.tool_calls:
        part: Body = {"type": "output_text", "text": answer.text, "annotations": [], "logprobs": []}
        item: Body = {"type": "message", "id": f"msg_{MARKER}_{request.serial}"}
        return [item | {"status": "completed", "role": "assistant", "content": [part]}]
    return [
        {
            "type": "function_call",
            "id": f"fc_{MARKER}_{request.serial}_{index}",
            "call_id": call.id or f"call_{MARKER}_{request.serial}_{index}",
            "status": "completed",
            "name": call.name,
            "arguments": call.arguments_json(),
        }
        for index, call in enumerate(answer.tool_calls)
    ]


def _response_usage(request: Request, answer: Answer) -> Body:
    usage = usage_of(request, answer)
    return {
        "input_tokens": usage.input_tokens,
        "input_tokens_details": {
            "cached_tokens": answer.cache_read_tokens,
            "cache_write_tokens": 0,
        },
        "output_tokens": usage.output_tokens,
        "output_tokens_details": {"reasoning_tokens": answer.reasoning_tokens},
        "total_tokens": usage.input_tokens + usage.output_tokens,
    }


# --- embeddings -----------------------------------------------------------------------------------
def embeddings(request: Request, answer: Answer) -> Body:
    """One vector per input; base64 of little-endian floats when the client asks for it."""
    inputs = _inputs(request.body.get("input"))
    size = int(request.body.get("dimensions") or 8)
    vector = [round((index + 1) / size, 6) for index in range(size)]
    packed = base64.b64encode(struct.pack(f"<{size}f", *vector)).decode()
    encoded = packed if request.body.get("encoding_format") == "base64" else vector
    tokens = usage_of(request, answer).input_tokens
    return {
        "object": "list",
        "data": [
            {"object": "embedding", "index": index, "embedding": encoded}
            for index in range(len(inputs))
        ],
        "model": answer.model or request.model,
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
    }


def _inputs(given: object) -> list[object]:
    """The texts to embed: one text, one list of tokens, or a list of either."""
    if not isinstance(given, list):
        return [given]
    values = cast("list[object]", given)
    return [values] if values and isinstance(values[0], int) else values
