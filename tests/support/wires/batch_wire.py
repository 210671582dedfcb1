"""Results of batches: OpenAI's files, the lines of Anthropic's, the jobs and files of Google's.

Each request takes one answer, which is repeated in every line of a file that has usage; ids count
up by line and are those of the file, whoever fetches it. Files: ``batch-<n>`` has n chat
completions, then a response, embeddings, a failed request and an empty line; ``notes`` is no batch.
Source of the shapes: the public API references of OpenAI, Groq,
Anthropic and Google.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from tests.support.wires import google_wire

from spanledger_collector.demo import anthropic_wire, openai_wire
from spanledger_collector.demo.answers import Answer, Request
from spanledger_collector.demo.provider import Route, Wire

CHAT_MODEL: Final = "gpt-4.1-mini"
EMBEDDING_MODEL: Final = "text-embedding-3-small"
CONTENT_MODEL: Final = "gemini-2.5-flash"
MESSAGE_MODEL: Final = "claude-haiku-4-5-20251001"


def _asked(number: int, model: str) -> Request:
    return Request(number, "", {}, {"model": model, "input": ["one"]})


def _line(number: int, body: Mapping[str, Any], status: int = 200) -> bytes:
    response = {"status_code": status, "request_id": f"r{number}", "body": body}
    line = {"id": f"batch_req_{number}", "custom_id": f"c{number}", "response": response}
    return json.dumps({**line, "error": None}).encode() + b"\n"


def file_content(request: Request, answer: Answer) -> Iterator[bytes]:
    """The content of a file."""
    kind, _, number = request.named["file"].partition("-")
    if kind != "batch":
        yield b'{"messages": [{"role": "user", "content": "custom_id and response"}]}\n'
        return
    many = int(number)
    for one in range(many):
        yield _line(one, openai_wire.chat(_asked(one, CHAT_MODEL), answer))
    yield _line(many, openai_wire.response(_asked(many, CHAT_MODEL), answer))
    yield _line(many + 1, openai_wire.embeddings(_asked(many + 1, EMBEDDING_MODEL), answer))
    yield _line(many + 2, openai_wire.error(Answer(status=400)), 400)
    yield b"\n"


def message_batch(request: Request, _answer: Answer) -> dict[str, Any]:
    """A batch that has ended."""
    host = request.headers["host"]
    path = f"/v1/messages/batches/{request.named['batch']}/results"
    counts = dict.fromkeys(("processing", "errored", "canceled", "expired"), 0)
    return {
        "id": request.named["batch"],
        "type": "message_batch",
        "processing_status": "ended",
        "request_counts": {**counts, "succeeded": 2},
        "results_url": f"http://{host}{path}",
    }


def message_results(request: Request, answer: Answer) -> Iterator[bytes]:
    """Two messages and two requests that gave none."""
    for one in range(int(request.named["batch"].partition("-")[2])):
        message = anthropic_wire.message(_asked(one, MESSAGE_MODEL), answer)
        yield _result(one, {"type": "succeeded", "message": message})
    error = {"type": "error", "error": {"type": "invalid_request_error", "message": "no"}}
    yield _result(-1, {"type": "errored", "error": error})
    yield _result(-2, {"type": "expired"})


def _result(number: int, result: Mapping[str, Any]) -> bytes:
    return json.dumps({"custom_id": f"c{number}", "result": result}).encode() + b"\n"


def _content(number: int, answer: Answer) -> dict[str, Any]:
    body = google_wire.content(_asked(number, CONTENT_MODEL), answer)
    return {**body, "responseId": f"content-{number}"}


def content_job(request: Request, answer: Answer) -> dict[str, Any]:
    """A job of Google's: ``ended-<n>`` has n answers and one that failed, others are running."""
    state, _, number = request.named["batch"].partition("-")
    metadata: dict[str, Any] = {"model": f"models/{CONTENT_MODEL}", "state": "BATCH_STATE_RUNNING"}
    if state == "ended":
        answers = [{"response": _content(one, answer)} for one in range(int(number))]
        failed = {"error": {"code": 3, "message": "no"}}
        output = {"inlinedResponses": {"inlinedResponses": [*answers, failed]}}
        metadata |= {"state": "BATCH_STATE_SUCCEEDED", "output": output}
    return {"name": f"batches/{request.named['batch']}", "metadata": metadata}


def content_file(request: Request, answer: Answer) -> Iterator[bytes]:
    """The same answers as a file."""
    kind, _, number = request.named["file"].partition("-")
    if kind != "batch":
        yield b"{}\n"
        return
    for one in range(int(number)):
        line = {"key": f"k{one}", "response": _content(one, answer)}
        yield json.dumps(line).encode() + b"\n"
    yield json.dumps({"key": "k", "error": {"code": 3, "message": "no"}}).encode() + b"\n"


_FILE: Final = Wire(None, file_content, kind="application/octet-stream")
ROUTES: Final[Mapping[str, Route]] = {
    "/v1/files/{file}/content": _FILE,
    "/openai/v1/files/{file}/content": _FILE,
    f"{google_wire.GEMINI}/batches/{{batch}}": (content_job, None),
    f"{google_wire.GEMINI}/files/{{file}}:download": Wire(
        None, content_file, kind="application/octet-stream"
    ),
    "/v1/messages/batches/{batch}": (message_batch, None),
    "/v1/messages/batches/{batch}/results": Wire(None, message_results, kind="application/x-jsonl"),
}
