"""Anthropic's wire format: messages, as JSON and as an event stream.

Here ``input_tokens`` excludes cached tokens, the usage of ``message_start`` carries the input side,
and ``message_delta`` carries cumulative output counts. Source of the shapes: Anthropic's public API
reference (messages; streaming messages).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from spanledger_collector.demo.answers import MARKER, Answer, Request, usage_of
from spanledger_collector.demo.openai_wire import Body, named_event


def error(request: Request, answer: Answer) -> Body:
    """The body of an answer with an error status."""
    kinds = {429: "rate_limit_error", 401: "authentication_error", 400: "invalid_request_error"}
    kinds[529] = "overloaded_error"
    kind = kinds.get(answer.status, "api_error")
    return {
        "type": "error",
        "error": {"type": kind, "message": answer.error_message},
        "request_id": f"req_{MARKER}_{request.serial}",
    }


def message(request: Request, answer: Answer) -> Body:
    """A whole message."""
    body = _head(request, answer)
    body |= {"content": _blocks(request, answer), "stop_reason": _stop_reason(answer)}
    usage = _usage(request, answer, usage_of(request, answer).output_tokens)
    body["usage"] = {**usage, **_thoughts(answer)}
    return body


def message_events(request: Request, answer: Answer) -> Iterator[bytes]:
    """The same message as its stream of typed events."""
    for data in _data(request, answer):
        yield named_event(data)


def _data(request: Request, answer: Answer) -> Iterator[Body]:
    opening: Body = {**_head(request, answer), "content": [], "stop_reason": None}
    opening["usage"] = _usage(request, answer, 1)
    yield {"type": "message_start", "message": opening}
    yield {"type": "ping"}
    for index, block in enumerate(_blocks(request, answer)):
        yield from _block_data(index, block, answer)
    output = usage_of(request, answer).output_tokens
    usage: dict[str, Any] = {"output_tokens": output, **_thoughts(answer)}
    if answer.web_search_requests:
        usage["server_tool_use"] = {"web_search_requests": answer.web_search_requests}
    delta = {"stop_reason": _stop_reason(answer), "stop_sequence": None}
    yield {"type": "message_delta", "delta": delta, "usage": usage}
    yield {"type": "message_stop"}


def _block_data(index: int, block: Body, answer: Answer) -> Iterator[Body]:
    kind = "content_block"
    if block["type"] == "text":
        opening: Body = {**block, "text": ""}
        deltas: list[Body] = [{"type": "text_delta", "text": text} for text in answer.pieces()]
    else:
        opening = {**block, "input": {}}
        text = answer.tool_calls[index].arguments_json()
        half = len(text) // 2
        parts = (text[:half], text[half:])
        deltas = [{"type": "input_json_delta", "partial_json": part} for part in parts]
    yield {"type": f"{kind}_start", "index": index, "content_block": opening}
    for delta in deltas:
        yield {"type": f"{kind}_delta", "index": index, "delta": delta}
    yield {"type": f"{kind}_stop", "index": index}


def _head(request: Request, answer: Answer) -> Body:
    return {
        "id": f"msg_{MARKER}_{request.serial}",
        "type": "message",
        "role": "assistant",
        "model": answer.model or request.model,
        "stop_sequence": None,
    }


def _blocks(request: Request, answer: Answer) -> list[Body]:
    if not answer.tool_calls:
        return [{"type": "text", "text": answer.text, "citations": None}]
    return [
        {
            "type": "tool_use",
            "id": call.id or f"toolu_{MARKER}_{request.serial}_{index}",
            "name": call.name,
            "input": dict(call.arguments),
        }
        for index, call in enumerate(answer.tool_calls)
    ]


def _stop_reason(answer: Answer) -> str:
    return answer.finish_reason or ("tool_use" if answer.tool_calls else "end_turn")


def _thoughts(answer: Answer) -> Body:
    if not answer.reasoning_tokens:
        return {}
    return {"output_tokens_details": {"thinking_tokens": answer.reasoning_tokens}}


def _usage(request: Request, answer: Answer, output_tokens: int) -> Body:
    written = answer.cache_write_5m_tokens + answer.cache_write_1h_tokens
    total = usage_of(request, answer).input_tokens
    searches = answer.web_search_requests
    return {
        "input_tokens": total - answer.cache_read_tokens - written,
        "cache_creation_input_tokens": written,
        "cache_read_input_tokens": answer.cache_read_tokens,
        "cache_creation": {
            "ephemeral_5m_input_tokens": answer.cache_write_5m_tokens,
            "ephemeral_1h_input_tokens": answer.cache_write_1h_tokens,
        },
        "output_tokens": output_tokens,
        "server_tool_use": {"web_search_requests": searches} if searches else None,
        "service_tier": answer.service_tier or "standard",
    }
