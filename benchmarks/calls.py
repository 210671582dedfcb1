"""Added time per model call and per stream chunk, against the bare client.

The real ``openai`` client on an in-process transport with canned answers, so that only Python is
measured. In every round the variants run interleaved, in random order: bare, instrumented by
spanledger, and ``floor`` = a hand-written span around the bare call that is given the very
attributes that spanledger wrote for it (which somebody else has worked out). All spans go to
one batch processor with an exporter that discards. Figures are medians over rounds of the per-round
differences, once in elapsed time and once in processor time of the whole process, which other
programs on the machine disturb less; a second bare variant shows the noise of the method.
"""

from __future__ import annotations

import functools
import gc
import json
import random
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import httpx2
import openai
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import (
    BatchSpanProcessor,
    SimpleSpanProcessor,
    SpanExporter,
    SpanExportResult,
)
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.util.types import AttributeValue

from spanledger import _registry

MODEL = "gpt-4.1-mini"
#: Lengths of the two streams; the cost of a chunk is the slope between them.
SHORT_CHUNKS, LONG_CHUNKS = 20, 200

#: Clocks by what they show, in seconds.
CLOCKS: Mapping[str, Callable[[], float]] = {
    "elapsed": time.perf_counter,
    "processor": time.process_time,
}


class _Discard(SpanExporter):
    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        del spans
        return SpanExportResult.SUCCESS


AttributesMap = dict[str, AttributeValue]


@dataclass(frozen=True)
class CallFigures:
    """Medians in microseconds, by one clock."""

    bare_us: float
    noise_us: float
    floor_added_us: float
    added_us: float


def _answer() -> bytes:
    return json.dumps(
        {
            "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": MODEL,
            "choices": [{"index": 0, "finish_reason": "stop",
                         "message": {"role": "assistant", "content": "hello"}}],
            "usage": {"prompt_tokens": 1000, "completion_tokens": 200, "total_tokens": 1200,
                      "prompt_tokens_details": {"cached_tokens": 400}},
        }
    ).encode()  # fmt: skip


def _events(chunks: int) -> bytes:
    def event(delta: dict[str, str], **more: object) -> bytes:
        body: dict[str, object] = {
            "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": MODEL,
            "choices": [{"index": 0, "delta": delta, "finish_reason": None}], **more,
        }  # fmt: skip
        return b"data: " + json.dumps(body).encode() + b"\n\n"

    parts = [event({"content": "word "}) for _ in range(chunks)]
    usage = {"prompt_tokens": 1000, "completion_tokens": chunks, "total_tokens": 1000 + chunks}
    parts.append(event({}, choices=[], usage=usage))
    return b"".join(parts) + b"data: [DONE]\n\n"


def _client() -> openai.OpenAI:
    whole = _answer()
    streams = {str(chunks): _events(chunks) for chunks in (SHORT_CHUNKS, LONG_CHUNKS)}

    def handle(request: httpx2.Request) -> httpx2.Response:
        asked = json.loads(request.read())
        if asked.get("stream"):
            content = streams[asked["messages"][0]["content"]]
            headers = {"content-type": "text/event-stream"}
            return httpx2.Response(200, content=content, headers=headers)
        return httpx2.Response(200, content=whole, headers={"content-type": "application/json"})

    return openai.OpenAI(
        api_key="x",
        base_url="http://127.0.0.1/v1",
        http_client=httpx2.Client(transport=httpx2.MockTransport(handle)),
    )


def _call(client: openai.OpenAI) -> None:
    client.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": "hi"}])


def _stream(client: openai.OpenAI, chunks: int = LONG_CHUNKS) -> None:
    for _ in client.chat.completions.create(
        model=MODEL,
        messages=[{"role": "user", "content": str(chunks)}],
        stream=True,
        stream_options={"include_usage": True},
    ):
        pass


def _written(work: Callable[[openai.OpenAI], None], client: openai.OpenAI) -> AttributesMap:
    """The attributes that spanledger writes for this call."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    _registry.instrument(["openai"], tracer_provider=provider)
    work(client)
    _registry.uninstrument(["openai"])
    _registry.instrument([])  # back to the provider of the process
    [span] = exporter.get_finished_spans()
    return dict(span.attributes or {})


def _floor(
    work: Callable[[openai.OpenAI], None], attributes: AttributesMap
) -> Callable[[openai.OpenAI], None]:
    tracer = trace.get_tracer("floor")

    def call(client: openai.OpenAI) -> None:
        with tracer.start_as_current_span("chat", kind=trace.SpanKind.CLIENT) as span:
            work(client)
            span.set_attributes(attributes)

    return call


def _measure(
    work: Callable[[openai.OpenAI], None], client: openai.OpenAI, rounds: int, calls: int
) -> dict[str, CallFigures]:
    """Figures by clock."""
    floor = _floor(work, _written(work, client))
    variants: list[tuple[str, Callable[[openai.OpenAI], None], bool]] = [
        ("bare", work, False),
        ("again", work, False),
        ("floor", floor, False),
        ("ours", work, True),
    ]
    times: dict[tuple[str, str], list[float]] = {
        (clock, name): [] for clock in CLOCKS for name, _, _ in variants
    }
    for _ in range(rounds):
        random.shuffle(variants)
        for name, variant, instrumented in variants:
            if instrumented:
                _registry.instrument(["openai"])
            variant(client)
            starts = {clock: now() for clock, now in CLOCKS.items()}
            for _ in range(calls):
                variant(client)
            for clock, now in CLOCKS.items():
                times[clock, name].append((now() - starts[clock]) / calls * 1e6)
            if instrumented:
                _registry.uninstrument(["openai"])

    def added(clock: str, name: str) -> float:
        pairs = zip(times[clock, name], times[clock, "bare"], strict=True)
        return statistics.median(a - b for a, b in pairs)

    return {
        clock: CallFigures(
            statistics.median(times[clock, "bare"]),
            *(added(clock, name) for name in ("again", "floor", "ours")),
        )
        for clock in CLOCKS
    }


def main(*, rounds: int = 60) -> None:
    """Print the figures."""
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(_Discard(), max_queue_size=100_000))
    trace.set_tracer_provider(provider)
    client = _client()
    gc.collect()
    gc.freeze()  # what was imported is not looked through again in somebody's turn
    whole = _measure(_call, client, rounds, calls=20)
    short = _measure(functools.partial(_stream, chunks=SHORT_CHUNKS), client, rounds, calls=8)
    long = _measure(_stream, client, rounds, calls=3)
    gc.unfreeze()
    print("added time per call, openai chat, medians of interleaved rounds (microseconds)")
    print(f"{'':34}{'bare':>8}{'noise':>8}{'floor':>8}{'spanledger':>12}{'/ floor':>9}")
    for kind, measured in (
        ("non-stream call", whole),
        (f"stream of {SHORT_CHUNKS} chunks", short),
        (f"stream of {LONG_CHUNKS} chunks", long),
    ):
        for clock, figures in measured.items():
            print(
                f"{f'{kind}, {clock}':34}{figures.bare_us:8.0f}{figures.noise_us:+8.0f}"
                f"{figures.floor_added_us:+8.0f}{figures.added_us:+12.0f}"
                f"{figures.added_us / max(figures.floor_added_us, 1e-9):9.2f}"
            )
    for clock in CLOCKS:
        chunk_us = (long[clock].added_us - short[clock].added_us) / (LONG_CHUNKS - SHORT_CHUNKS)
        print(f"per stream chunk, {clock}: {chunk_us:+.2f} us (long stream less short one)")
    provider.shutdown()


if __name__ == "__main__":
    main()
