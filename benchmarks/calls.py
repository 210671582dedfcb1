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

import gc
import random
import statistics
from dataclasses import dataclass

from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.util.types import AttributeValue

from benchmarks.canned import (
    CLOCKS,
    KINDS,
    LONG_CHUNKS,
    SHORT_CHUNKS,
    Clients,
    Discard,
    Work,
    make_clients,
    timed,
    with_floor,
)
from spanledger._patches import registry


@dataclass(frozen=True)
class CallFigures:
    """Medians in microseconds, by one clock."""

    bare_us: float
    noise_us: float
    floor_added_us: float
    added_us: float


def _written(work: Work, clients: Clients) -> dict[str, AttributeValue]:
    """The attributes that spanledger writes for this call."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    registry.instrument(["openai"], tracer_provider=provider)
    work(clients)
    registry.uninstrument(["openai"])
    (span,) = exporter.get_finished_spans()
    return dict(span.attributes or {})


def _measure(work: Work, clients: Clients, rounds: int, calls: int) -> dict[str, CallFigures]:
    """Figures by clock."""
    floor = with_floor(work, _written(work, clients))
    variants = [
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
                registry.instrument(["openai"])
            for clock, microseconds in timed(variant, clients, calls).items():
                times[clock, name].append(microseconds)
            if instrumented:
                registry.uninstrument(["openai"])

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
    provider.add_span_processor(BatchSpanProcessor(Discard(), max_queue_size=100_000))
    trace.set_tracer_provider(provider)
    clients = make_clients()
    gc.collect()
    gc.freeze()  # what was imported is not looked through again in somebody's turn
    measured = {
        kind: _measure(work, clients, rounds, calls) for kind, (work, calls) in KINDS.items()
    }
    gc.unfreeze()
    print("added time per call, openai chat, medians of interleaved rounds (microseconds)")
    print(f"{'':34}{'bare':>8}{'noise':>8}{'floor':>8}{'spanledger':>12}{'/ floor':>9}")
    for kind, by_clock in measured.items():
        for clock, figures in by_clock.items():
            print(
                f"{f'{kind}, {clock}':34}{figures.bare_us:8.0f}{figures.noise_us:+8.0f}"
                f"{figures.floor_added_us:+8.0f}{figures.added_us:+12.0f}"
                f"{figures.added_us / max(figures.floor_added_us, 1e-9):9.2f}"
            )
    *_, short, long = measured.values()
    for clock in CLOCKS:
        chunk_us = (long[clock].added_us - short[clock].added_us) / (LONG_CHUNKS - SHORT_CHUNKS)
        print(f"per stream chunk, {clock}: {chunk_us:+.2f} us (long stream less short one)")
    provider.shutdown()


if __name__ == "__main__":
    main()
