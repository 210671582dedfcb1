"""Results of batches: files of OpenAI's kind, Anthropic's lines, jobs of others.

Each request takes one answer, which is repeated in every line of a file that has usage; ids count
up by line and are those of the file, whoever fetches it. Files: ``batch-<n>`` has n chat
completions, then a response (Together: a text completion, Mistral: nothing), embeddings, a failed
request and an empty line; ``packed-<n>`` is the same compressed; ``notes`` is no batch.
Source of the shapes: the public API references of OpenAI, Groq, Together, Mistral, Cohere,
Anthropic and Google.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from tests.support.wires import google_wire, mistral_wire, together_wire

from spanledger_collector.demo import anthropic_wire, openai_wire
from spanledger_collector.demo.answers import Answer, Request
from spanledger_collector.demo.provider import Route, Whole, Wire

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


def _file(chat: Whole, *others: tuple[str, Whole]) -> Wire:
    """A file whose results are answers of these kinds, each to a question to this model."""

    def lines(request: Request, answer: Answer) -> Iterator[bytes]:
        many = int(request.named["file"].partition("-")[2])
        bodies = [(CHAT_MODEL, chat)] * many + [*others]
        for number, (model, body) in enumerate(bodies):
            yield _line(number, body(_asked(number, model), answer))
        yield _line(len(bodies), openai_wire.error(Answer(status=400)), 400)
        yield b"\n"

    def content(request: Request, answer: Answer) -> Iterator[bytes]:
        kind = request.named["file"].partition("-")[0]
        if kind == "batch":
            yield from lines(request, answer)
        elif kind == "packed":
            yield gzip.compress(b"".join(lines(request, answer)))
        else:
            yield b'{"messages": [{"role": "user", "content": "custom_id and response"}]}\n'

    return Wire(None, content, kind="application/octet-stream", headers=_packed)


def _packed(request: Request, _answer: Answer) -> dict[str, str]:
    packed = request.named["file"].startswith("packed")
    return {"content-encoding": "gzip"} if packed else {}


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
    """A job of Google's: ``ended-<n>`` has n answers and one that failed, others are running.

    ``embedded-<n>`` has n embeddings and one that failed.
    """
    state, _, number = request.named["batch"].partition("-")
    metadata: dict[str, Any] = {"model": f"models/{CONTENT_MODEL}", "state": "BATCH_STATE_RUNNING"}
    if state == "ended":
        answers = [{"response": _content(one, answer)} for one in range(int(number))]
        failed = {"error": {"code": 3, "message": "no"}}
        output = {"inlinedResponses": {"inlinedResponses": [*answers, failed]}}
        metadata |= {"state": "BATCH_STATE_SUCCEEDED", "output": output}
    if state == "embedded":
        one = {"embedding": {"values": [0.5]}, "tokenCount": str(answer.input_tokens)}
        output = {"inlinedResponses": {"inlinedResponses": [*[{"response": one}] * int(number),
                                                            {"error": {"code": 3}}]}}  # fmt: skip
        metadata |= {"model": f"models/{EMBEDDING_MODEL}", "state": "BATCH_STATE_SUCCEEDED"}
        metadata |= {"output": output}
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


def mistral_job(request: Request, answer: Answer) -> dict[str, Any]:
    """A job of Mistral's: ``ended-<n>`` has n results inside, others are running."""
    state, _, number = request.named["job"].partition("-")
    told: dict[str, Any] = {"status": "RUNNING"}
    if state == "ended":
        bodies = (
            mistral_wire.completion(_asked(one, CHAT_MODEL), answer) for one in range(int(number))
        )
        outputs = [json.loads(_line(one, body)) for one, body in enumerate(bodies)]
        told = {"status": "SUCCESS", "outputs": outputs}
    counts = ("total_requests", "completed_requests", "succeeded_requests", "failed_requests")
    head = {"id": request.named["job"], "input_files": [], "endpoint": "/v1/chat/completions"}
    return {**head, "errors": [], "created_at": 1, **dict.fromkeys(counts, 2), **told}


def cohere_batch(request: Request, answer: Answer) -> dict[str, Any]:
    """A batch of Cohere's, which tells its counts as texts; its state is its id."""
    usage = {"input_tokens": str(answer.input_tokens), "output_tokens": str(answer.output_tokens)}
    state = request.named["batch"]
    head = {"id": state, "name": "nightly", "status": f"BATCH_STATUS_{state}", "model": "command-a"}
    return {"batch": {**head, "input_dataset_id": "d", **usage}}


def cohere_job(request: Request, answer: Answer) -> dict[str, Any]:
    """An embed job; its state is its id."""
    state = request.named["job"]
    head = {"job_id": f"job-{state}", "status": state, "created_at": "2026-01-01T00:00:00Z"}
    meta = {"api_version": {"version": "1"}, "billed_units": {"input_tokens": answer.input_tokens}}
    return {**head, "input_dataset_id": "d", "model": "embed-v4.0", "truncate": "END", "meta": meta}


_EMBEDDED: Final = (EMBEDDING_MODEL, openai_wire.embeddings)
_FILE: Final = _file(openai_wire.chat, (CHAT_MODEL, openai_wire.response), _EMBEDDED)
ROUTES: Final[Mapping[str, Route]] = {
    "/v1/files/{file}/content": _FILE,
    f"{together_wire.PREFIX}/v1/files/{{file}}/content": _file(
        together_wire.chat, (CHAT_MODEL, together_wire.completion), _EMBEDDED
    ),
    f"{mistral_wire.PREFIX}/v1/files/{{file}}/content": _file(
        mistral_wire.completion, (EMBEDDING_MODEL, mistral_wire.embeddings)
    ),
    f"{mistral_wire.PREFIX}/v1/batch/jobs/{{job}}": (mistral_job, None),
    "/v2/batches/{batch}": (cohere_batch, None),
    "/v1/embed-jobs/{job}": (cohere_job, None),
    "/openai/v1/files/{file}/content": _FILE,
    f"{google_wire.GEMINI}/batches/{{batch}}": (content_job, None),
    f"{google_wire.GEMINI}/files/{{file}}:download": Wire(
        None, content_file, kind="application/octet-stream"
    ),
    "/v1/messages/batches/{batch}": (message_batch, None),
    "/v1/messages/batches/{batch}/results": Wire(None, message_results, kind="application/x-jsonl"),
}
