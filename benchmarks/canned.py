"""The real ``openai`` client with canned answers in its own process: only Python is measured.

Knows nothing of spanledger: the workers of other instrumentations use it in environments of their
own, whichever HTTP library their ``openai`` client stands on.
"""

from __future__ import annotations

import asyncio
import functools
import importlib
import json
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import openai
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.util.types import AttributeValue

MODEL: Final = "gpt-4.1-mini"
#: Lengths of the two streams; the cost of a chunk is the slope between them.
SHORT_CHUNKS: Final = 20
LONG_CHUNKS: Final = 200

#: Clocks by what they show, in seconds.
CLOCKS: Final[Mapping[str, Callable[[], float]]] = {
    "elapsed": time.perf_counter,
    "processor": time.process_time,
}


@dataclass(frozen=True)
class Clients:
    """A client of each kind, and the loop that the asynchronous one runs in."""

    plain: openai.OpenAI
    asynchronous: openai.AsyncOpenAI
    loop: asyncio.AbstractEventLoop


#: One call, or one stream read to its end.
Work = Callable[[Clients], None]

#: The HTTP library under the installed client: ``httpx2`` since ``openai`` 3.
http: Final[Any] = importlib.import_module(
    "httpx2" if int(openai.__version__.partition(".")[0]) >= 3 else "httpx"
)


class Discard(SpanExporter):
    """Takes spans and forgets them."""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Forget them."""
        del spans
        return SpanExportResult.SUCCESS


def whole_answer() -> bytes:
    """The body of a whole answer."""
    return json.dumps(
        {
            "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": MODEL,
            "choices": [{"index": 0, "finish_reason": "stop",
                         "message": {"role": "assistant", "content": "hello"}}],
            "usage": {"prompt_tokens": 1000, "completion_tokens": 200, "total_tokens": 1200,
                      "prompt_tokens_details": {"cached_tokens": 400}},
        }
    ).encode()  # fmt: skip


def events(chunks: int, *, usage: bool = True) -> bytes:
    """The body of a stream."""

    def event(delta: dict[str, str], **more: object) -> bytes:
        body: dict[str, object] = {
            "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": MODEL,
            "choices": [{"index": 0, "delta": delta, "finish_reason": None}], **more,
        }  # fmt: skip
        return b"data: " + json.dumps(body).encode() + b"\n\n"

    parts = [event({"content": "word "}) for _ in range(chunks)]
    if usage:
        counts = {"prompt_tokens": 1000, "completion_tokens": chunks, "total_tokens": 1000 + chunks}
        parts.append(event({}, choices=[], usage=counts))
    return b"".join(parts) + b"data: [DONE]\n\n"


def make_client(answer: Callable[[dict[str, Any]], Any] | None = None) -> openai.OpenAI:
    """A client whose answers come from memory.

    Args:
        answer: gives the HTTP response to a request's body; by default that of :data:`KINDS`.
    """
    handler = answer or _answering()

    def handle(request: Any) -> Any:
        return handler(json.loads(request.read()))

    return openai.OpenAI(
        api_key="x",
        base_url="http://127.0.0.1/v1",
        http_client=http.Client(transport=http.MockTransport(handle)),
    )


def make_clients(answer: Callable[[dict[str, Any]], Any] | None = None) -> Clients:
    """Clients whose answers come from memory; ``answer`` as in :func:`make_client`."""
    handler = answer or _answering()

    async def handle(request: Any) -> Any:
        return handler(json.loads(await request.aread()))

    asynchronous = openai.AsyncOpenAI(
        api_key="x",
        base_url="http://127.0.0.1/v1",
        http_client=http.AsyncClient(transport=http.MockTransport(handle)),
    )
    return Clients(make_client(handler), asynchronous, asyncio.new_event_loop())


def _answering() -> Callable[[dict[str, Any]], Any]:
    whole = whole_answer()
    streams = {str(chunks): events(chunks) for chunks in (SHORT_CHUNKS, LONG_CHUNKS)}

    def answer(asked: dict[str, Any]) -> Any:
        if asked.get("stream"):
            content = streams[asked["messages"][0]["content"]]
            headers = {"content-type": "text/event-stream"}
            return http.Response(200, content=content, headers=headers)
        return http.Response(200, content=whole, headers={"content-type": "application/json"})

    return answer


def call(clients: Clients) -> None:
    """One call."""
    clients.plain.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": "hi"}])


def call_async(clients: Clients) -> None:
    """One call of the asynchronous client."""
    messages: Any = [{"role": "user", "content": "hi"}]
    asked = clients.asynchronous.chat.completions.create(model=MODEL, messages=messages)
    clients.loop.run_until_complete(asked)


def stream(clients: Clients, chunks: int) -> None:
    """One stream, read to its end."""
    for _ in clients.plain.chat.completions.create(
        model=MODEL,
        messages=[{"role": "user", "content": str(chunks)}],
        stream=True,
        stream_options={"include_usage": True},
    ):
        pass


#: What is measured: its name, the work, and how many of it make one measurement.
KINDS: Final[Mapping[str, tuple[Work, int]]] = {
    "call": (call, 20),
    "async call": (call_async, 20),
    f"stream of {SHORT_CHUNKS}": (functools.partial(stream, chunks=SHORT_CHUNKS), 8),
    f"stream of {LONG_CHUNKS}": (functools.partial(stream, chunks=LONG_CHUNKS), 3),
}


def with_floor(work: Work, attributes: Mapping[str, AttributeValue]) -> Work:
    """The work inside a hand-written span with these attributes, as one would write it by hand."""
    tracer = trace.get_tracer("floor")

    def spanned(clients: Clients) -> None:
        with tracer.start_as_current_span("chat", kind=trace.SpanKind.CLIENT) as span:
            work(clients)
            span.set_attributes(attributes)

    return spanned


def timed(work: Work, clients: Clients, times: int) -> dict[str, float]:
    """Microseconds of one piece of work by each clock: the median of ``times``, after as many.

    Those before warm up: the interpreter forgets what it knew of a class whose method is replaced,
    which a benchmark does in every turn and a program never. A median, because what else the
    machine does falls on single ones.
    """
    for _ in range(times):
        work(clients)
    taken: dict[str, list[float]] = {clock: [] for clock in CLOCKS}
    for _ in range(times):
        starts = {clock: now() for clock, now in CLOCKS.items()}
        work(clients)
        for clock, now in CLOCKS.items():
            taken[clock].append(now() - starts[clock])
    return {clock: statistics.median(seconds) * 1e6 for clock, seconds in taken.items()}
