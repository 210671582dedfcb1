"""A model API and an OTLP receiver on one port: what a recorded package talks to.

Answers like OpenAI (chat completions, responses, embeddings), Anthropic (messages), Gemini
(generateContent) and Bedrock (Converse), whole and streamed. Every answer claims the same usage, so
that the truth of a recording is a count of answers:

- OpenAI: 1000 input (600 of it cached), 200 output (80 of it reasoning); embeddings: 12 input
- Anthropic: 100 input, 600 read from and 300 written to the cache (1 hour), 200 output
- Gemini: 1000 prompt (600 of it cached), 120 candidates, 80 thoughts
- Bedrock: as Anthropic

A stream of chat completions that did not ask for its usage is told none, and counts nothing.

A conversation that offers the tool ``get_weather`` and has no result yet is answered by a call of
it. Whatever is posted to a path that ends in ``/traces`` is taken as an OTLP export.
"""

import gzip
import json
import re
import threading
import urllib.parse
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from tests.support.wires import bedrock_wire

from spanledger_collector.demo.answers import Answer, Request

#: Tokens of one answer: (input, cached included; output).
ANSWER = (1000, 200)
#: Tokens of one answer of an embedding model.
EMBEDDING = (12, 0)
#: Tokens of an answer whose usage nobody is told.
UNTOLD = (0, 0)
_TOOL = "get_weather"
_ARGUMENTS = '{"city": "Paris"}'
_TEXT = "Sunny."
_CHAT_USAGE = {
    "prompt_tokens": 1000,
    "completion_tokens": 200,
    "total_tokens": 1200,
    "prompt_tokens_details": {"cached_tokens": 600, "audio_tokens": 0},
    "completion_tokens_details": {"reasoning_tokens": 80, "audio_tokens": 0},
}
_RESPONSES_USAGE = {
    "input_tokens": 1000,
    "input_tokens_details": {"cached_tokens": 600},
    "output_tokens": 200,
    "output_tokens_details": {"reasoning_tokens": 80},
    "total_tokens": 1200,
}
_MESSAGE_USAGE = {
    "input_tokens": 100,
    "cache_read_input_tokens": 600,
    "cache_creation_input_tokens": 300,
    "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 300},
    "output_tokens": 200,
    "service_tier": "standard",
}
_GEMINI_USAGE = {
    "promptTokenCount": 1000,
    "cachedContentTokenCount": 600,
    "candidatesTokenCount": 120,
    "thoughtsTokenCount": 80,
    "totalTokenCount": 1200,
}
_CONVERSE = re.compile(r"/model/([^/]+)/converse(-stream)?")
_CONVERSE_ANSWER = Answer(
    text=_TEXT,
    input_tokens=1000,
    output_tokens=200,
    cache_read_tokens=600,
    cache_write_1h_tokens=300,
)


class ModelServer(ThreadingHTTPServer):
    """Answers, counts what it answered and keeps the exports it was sent."""

    daemon_threads = True

    def __init__(self, port: int) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.numbers = count(1)
        self.exports: list[ExportTraceServiceRequest] = []
        self.input_tokens = self.output_tokens = 0
        self._lock = threading.Lock()

    def answered(self, tokens: tuple[int, int] = ANSWER) -> int:
        """Counts an answer; returns its number."""
        with self._lock:
            self.input_tokens += tokens[0]
            self.output_tokens += tokens[1]
            return next(self.numbers)


def _wants_tool(body: dict[str, Any]) -> bool:
    text = json.dumps(body.get("messages") or body.get("input") or body.get("contents"))
    answered = any(word in text for word in ('"tool_call_id"', "tool_result", "call_output"))
    answered = answered or "functionResponse" in text
    return _TOOL in json.dumps(body.get("tools") or []) and not answered


def _chat(body: dict[str, Any], number: int) -> Iterator[dict[str, Any]]:
    tool = _wants_tool(body)
    message: dict[str, Any] = {"role": "assistant", "content": None if tool else _TEXT}
    if tool:
        function = {"name": _TOOL, "arguments": _ARGUMENTS}
        message["tool_calls"] = [
            {"index": 0, "id": f"call_{number}", "type": "function", "function": function}
        ]
    head = {
        "id": f"chatcmpl-{number}",
        "created": 1795486434,
        "model": body["model"] + "-2026-01-01",
        "service_tier": "default",
    }
    end = "tool_calls" if tool else "stop"
    if not body.get("stream"):
        choice = {"index": 0, "message": message, "finish_reason": end}
        yield {**head, "object": "chat.completion", "choices": [choice], "usage": _CHAT_USAGE}
        return
    head["object"] = "chat.completion.chunk"
    yield {**head, "choices": [{"index": 0, "delta": message, "finish_reason": None}]}
    yield {**head, "choices": [{"index": 0, "delta": {}, "finish_reason": end}]}
    if (body.get("stream_options") or {}).get("include_usage"):
        yield {**head, "choices": [], "usage": _CHAT_USAGE}


def _responses(body: dict[str, Any], number: int) -> Iterator[dict[str, Any]]:
    if _wants_tool(body):
        item = {
            "type": "function_call",
            "id": f"fc_{number}",
            "call_id": f"call_{number}",
            "name": _TOOL,
            "arguments": _ARGUMENTS,
            "status": "completed",
        }
    else:
        part = {"type": "output_text", "text": _TEXT, "annotations": []}
        item = {
            "type": "message",
            "id": f"msg_{number}",
            "role": "assistant",
            "status": "completed",
            "content": [part],
        }
    answer = {
        "id": f"resp_{number}",
        "object": "response",
        "created_at": 1795486434,
        "status": "completed",
        "model": body["model"] + "-2026-01-01",
        "output": [item],
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "service_tier": "default",
        "usage": _RESPONSES_USAGE,
    }
    if not body.get("stream"):
        yield answer
        return
    yield {"type": "response.created", "sequence_number": 0, "response": {**answer, "output": []}}
    yield {"type": "response.completed", "sequence_number": 1, "response": answer}


def _embeddings(body: dict[str, Any], _: int) -> Iterator[dict[str, Any]]:
    row = {"object": "embedding", "index": 0, "embedding": [0.1, 0.2]}
    usage = {"prompt_tokens": 12, "total_tokens": 12}
    yield {"object": "list", "data": [row], "model": body["model"], "usage": usage}


def _messages(body: dict[str, Any], number: int) -> Iterator[dict[str, Any]]:
    tool = _wants_tool(body)
    content: dict[str, Any] = {"type": "text", "text": _TEXT}
    if tool:
        content = {"type": "tool_use", "id": f"toolu_{number}", "name": _TOOL}
        content["input"] = json.loads(_ARGUMENTS)
    end = "tool_use" if tool else "end_turn"
    answer = {
        "id": f"msg_{number}",
        "type": "message",
        "role": "assistant",
        "model": body["model"],
        "content": [content],
        "stop_reason": end,
        "stop_sequence": None,
        "usage": _MESSAGE_USAGE,
    }
    if not body.get("stream"):
        yield answer
        return
    begun = {**answer, "content": [], "stop_reason": None}
    begun["usage"] = {**_MESSAGE_USAGE, "output_tokens": 1}
    yield {"type": "message_start", "message": begun}
    block = {**content, "input": {}} if tool else {**content, "text": ""}
    yield {"type": "content_block_start", "index": 0, "content_block": block}
    delta: dict[str, Any] = {"type": "text_delta", "text": _TEXT}
    if tool:
        delta = {"type": "input_json_delta", "partial_json": _ARGUMENTS}
    yield {"type": "content_block_delta", "index": 0, "delta": delta}
    yield {"type": "content_block_stop", "index": 0}
    yield {
        "type": "message_delta",
        "delta": {"stop_reason": end, "stop_sequence": None},
        "usage": {"output_tokens": 200},
    }
    yield {"type": "message_stop"}


def _gemini(body: dict[str, Any], number: int) -> Iterator[dict[str, Any]]:
    part: dict[str, Any] = {"text": _TEXT}
    if _wants_tool(body):
        part = {"functionCall": {"name": _TOOL, "args": json.loads(_ARGUMENTS)}}
    content = {"role": "model", "parts": [part]}
    yield {
        "candidates": [{"content": content, "finishReason": "STOP", "index": 0}],
        "usageMetadata": _GEMINI_USAGE,
        "modelVersion": "gemini-2.5-flash",
        "responseId": f"gemini-{number}",
    }


_APIS = (
    ("/chat/completions", _chat),
    ("/responses", _responses),
    ("/embeddings", _embeddings),
    ("/messages", _messages),
    (":generateContent", _gemini),
    (":streamGenerateContent", _gemini),
)


class _Handler(BaseHTTPRequestHandler):
    server: ModelServer  # pyright: ignore[reportIncompatibleVariableOverride] -- ours makes it

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the base's name
        """Says nothing."""

    def do_GET(self) -> None:
        """Whatever a package asks about its own service: an empty object."""
        self._send(b"{}", "application/json")

    def do_POST(self) -> None:
        """A model call, an export, or something else a package tells its own service."""
        raw = self._body()
        path = self.path.split("?")[0]
        if path.endswith("/traces"):
            self.server.exports.append(ExportTraceServiceRequest.FromString(raw))
            self._send(b"", "application/x-protobuf")
            return
        converse = _CONVERSE.fullmatch(path)
        if converse:
            model = urllib.parse.unquote(converse[1])
            self._converse(Request(self.server.answered(), path, {}, {"model": model}), converse[2])
            return
        for tail, api in _APIS:
            if path.endswith(tail):
                body = json.loads(raw)
                self._answer(api(body, self._number(tail, body)), body)
                return
        # A JSON web token without a signature, for those who insist on logging in first.
        self._send(b'{"token": "e30.e30.e30", "project_id": "golden"}', "application/json")

    def _number(self, tail: str, body: dict[str, Any]) -> int:
        if tail == "/embeddings":
            return self.server.answered(EMBEDDING)
        asked = (body.get("stream_options") or {}).get("include_usage")
        if tail == "/chat/completions" and body.get("stream") and not asked:
            return self.server.answered(UNTOLD)
        return self.server.answered(ANSWER)

    def _body(self) -> bytes:
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            raw = b""
            while size := int(self.rfile.readline().strip() or b"0", 16):
                raw += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        else:
            raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        return gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw

    def _answer(self, parts: Iterator[dict[str, Any]], body: dict[str, Any]) -> None:
        if not (body.get("stream") or "stream" in self.path):
            self._send(json.dumps(next(parts)).encode(), "application/json")
            return
        events = [
            (f"event: {part['type']}\n" if "type" in part else "") + f"data: {json.dumps(part)}\n\n"
            for part in parts
        ]
        if "/chat/" in self.path:
            events.append("data: [DONE]\n\n")
        self._send("".join(events).encode(), "text/event-stream")

    def _converse(self, request: Request, streamed: str | None) -> None:
        if streamed:
            events = b"".join(bedrock_wire.converse_events(request, _CONVERSE_ANSWER))
            self._send(events, "application/vnd.amazon.eventstream")
        else:
            whole = bedrock_wire.converse(request, _CONVERSE_ANSWER)
            self._send(json.dumps(whole).encode(), "application/json")

    def _send(self, body: bytes, kind: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
