"""One process that makes calls with one instrumentation; the parent says when, and which way.

    python -m benchmarks.peers.worker NAME

Started in the environment of that instrumentation, whose packages are loaded by name: nothing of
spanledger is imported in those of others. A line of JSON in is one order, a line out its result.
Both ways of one environment run in the same process and are switched by putting back the client's
methods as they were, because not every instrumentation can take itself off again.

Content capture is off wherever there is a switch for it; everything else is the default of each.
"""

from __future__ import annotations

import gc
import importlib
import json
import logging
import os
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import openai
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.util.types import AttributeValue

from benchmarks.canned import KINDS, MODEL, Discard, Work, http, make_clients, timed, with_floor

_GONE: Final = object()
Attributes = Mapping[str, AttributeValue]


def _load(module: str) -> Any:
    return importlib.import_module(module)


# --- how each is switched on ----------------------------------------------------------------------
def _spanledger() -> None:
    _load("spanledger._patches.registry").instrument(["openai"])


def _openllmetry() -> None:
    os.environ["TRACELOOP_TRACE_CONTENT"] = "false"
    _load("opentelemetry.instrumentation.openai").OpenAIInstrumentor().instrument()


def _openinference() -> None:
    hidden = _load("openinference.instrumentation").TraceConfig(
        hide_inputs=True, hide_outputs=True, hide_llm_invocation_parameters=True
    )
    _load("openinference.instrumentation.openai").OpenAIInstrumentor().instrument(config=hidden)


def _official_v2() -> None:
    _load("opentelemetry.instrumentation.openai_v2").OpenAIInstrumentor().instrument()


def _official_genai() -> None:
    _load("opentelemetry.instrumentation.genai.openai").OpenAIInstrumentor().instrument()


def _openlit() -> None:
    """Without its metrics and events, which the others have no backend for here either.

    By default it downloads a price list; here it gets one with the model that is called.
    """
    openlit = _load("openlit")
    every = set(_load("openlit._instrumentors").MODULE_NAME_MAP)
    with tempfile.TemporaryDirectory() as folder:
        prices = Path(folder, "prices.json")
        rates = {"promptPrice": 0.0004, "completionPrice": 0.0016}
        prices.write_text(json.dumps({"chat": {MODEL: rates}}), encoding="utf-8")
        openlit.init(
            capture_message_content=False,
            disable_metrics=True,
            disable_events=True,
            pricing_json=str(prices),
            disabled_instrumentors=sorted(every - {"openai"}),
        )


_INSTRUMENT: Final[Mapping[str, Callable[[], None]]] = {
    "spanledger": _spanledger,
    "openllmetry": _openllmetry,
    "openinference": _openinference,
    "otel-openai-v2": _official_v2,
    "otel-genai-openai": _official_genai,
    "openlit": _openlit,
}


# --- the two ways ---------------------------------------------------------------------------------
class _Switch:
    """Puts the client's methods as they were, or as the instrumentation left them."""

    def __init__(self, instrument: Callable[[], None]) -> None:
        completions = _load("openai.resources.chat.completions")
        clients = (openai.OpenAI, openai.AsyncOpenAI, http.Client, http.AsyncClient)
        owners = {
            completions.Completions: None,
            completions.AsyncCompletions: None,
            **{owner: None for client in clients for owner in client.__mro__[:-1]},
        }
        before = {owner: dict(vars(owner)) for owner in owners}
        instrument()
        self._changed = [
            (owner, name, before[owner].get(name, _GONE), method)
            for owner in owners
            for name, method in vars(owner).items()
            if method is not before[owner].get(name, _GONE)
        ]
        if not self._changed:
            raise SystemExit("nothing was instrumented")

    def turn(self, *, on: bool) -> None:
        """Instrumented, or as the client is."""
        for owner, name, bare, metered in self._changed:
            method = metered if on else bare
            if method is not _GONE:
                setattr(owner, name, method)
            elif name in vars(owner):
                delattr(owner, name)


class _Tap(BatchSpanProcessor):
    """The processor that all spans go to; also keeps those that are asked for."""

    kept: list[ReadableSpan] | None = None

    def on_end(self, span: ReadableSpan) -> None:
        """Keep the span if that is wanted, and pass it on."""
        if self.kept is not None:
            self.kept.append(span)
        super().on_end(span)


class _Worker:
    """The variants of one environment."""

    def __init__(self, name: str, tap: _Tap) -> None:
        self._clients = make_clients()
        self._switch = _Switch(_INSTRUMENT[name])
        self._written = {kind: self._record(tap, work) for kind, (work, _) in KINDS.items()}
        self._switch.turn(on=False)

    def _record(self, tap: _Tap, work: Work) -> Attributes:
        """The attributes of the one span that the instrumentation makes of this work."""
        tap.kept = []
        work(self._clients)
        (span,), tap.kept = tap.kept, None
        return dict(span.attributes or {})

    def introduce(self) -> dict[str, object]:
        """What the parent wants to know first."""
        counts = {kind: len(attributes) for kind, attributes in self._written.items()}
        return {"openai": openai.__version__, "attributes": counts}

    def measure(self, variant: str, kind: str) -> dict[str, float]:
        """Microseconds by clock; a variant is ``bare``, ``again``, ``floor`` or ``metered``."""
        work, times = KINDS[kind]
        if variant == "floor":
            work = with_floor(work, self._written[kind])
        self._switch.turn(on=variant == "metered")
        try:
            return timed(work, self._clients, times)
        finally:
            self._switch.turn(on=False)


def main() -> None:
    """Do what the parent says until it hangs up."""
    logging.disable(logging.ERROR)  # what is printed is the parent's
    tap = _Tap(Discard(), max_queue_size=100_000)
    provider = TracerProvider()
    provider.add_span_processor(tap)
    trace.set_tracer_provider(provider)
    worker = _Worker(sys.argv[1], tap)
    _tell(worker.introduce())
    gc.collect()
    gc.freeze()  # what was imported is not looked through again in somebody's turn
    for line in sys.stdin:
        _tell(worker.measure(**json.loads(line)))


def _tell(answer: object) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
