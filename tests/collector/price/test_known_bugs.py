"""Bugs that other cost trackers were told of, by their issue: what they billed, and what is right.

Family A (cached tokens) comes from OTLP, told as the package tells it in whose telling it was
misread; C (money that vanishes) and D (prices wrong, late, or rewriting history) are spans. Beside
it: double counting (B) in ``settle/test_known_double_counts.py``, losses that take a run to see (C)
in ``settle/test_known_losses.py``, more that was misread (A) in ``test_states.py``, feeds gone
stale (D) in ``test_build.py`` and bills that differ (D) in ``reconcile/test_variance.py``. Not held
anywhere as a test of cost:

* traceloop/openllmetry#4398 (cache attributes lost in a swallowed error): a fault of that SDK;
  those of ours are counted and told (``tests/sdk/test_guard.py``).
* mozilla/bugbug#6331 ("cost (in)" meant the uncached input alone): a name; ours say the bucket.

Prices are those of the shipped book, amounts worked out by hand from the providers' lists.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any

import pytest
from tests.collector.settle import scene
from tests.support.loaded_rows import load
from tests.support.otlp_requests import PlainSpan, record

from spanledger_collector.price import PriceBook, publish
from spanledger_collector.query import DirectReader, Ledger
from spanledger_collector.store import Connection, Store

_KNOWN, _KNOWN_NS = "2100-01-01 00:00:00", 4_102_444_800_000_000_000
_BUCKETS = (
    *("input_uncached_tokens", "cache_read_tokens"),
    *("cache_write_5m_tokens", "output_tokens"),
)


@dataclass(frozen=True)
class Bug:
    """One call, the issues it stands for, and its right cost; None = unknown, which is not 0."""

    issues: str
    provider: str
    model: str
    at: str
    usd: str | None
    status: str = "priced"
    tokens: tuple[int, int] = (0, 0)
    usage: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def span(self, number: int) -> scene.Row:
        given = {"started_at": self.at, "ended_at": self.at, "received_at": _KNOWN, **self.usage}
        return scene.call(
            number, 0, self.tokens, provider=self.provider, request_model=self.model, **given
        )


def _cached(read: int) -> dict[str, int]:
    return {"cache_read_tokens": read}


BUGS = (
    # C: what is not known is told, never billed as nothing.
    Bug("BerriAI/litellm#30667, BerriAI/litellm#13245, BerriAI/litellm#35958", "openai", "gpt-4o",
        "2026-11-10", None, "unmetered",
        usage={"usage_source": "missing", "status": "error", "error_type": "timeout"}),
    Bug("appstrate/appstrate#1025, lmnr-ai/lmnr#1182, Zene8/AgentSystem#519", "openai",
        "gpt-99-omega", "2026-11-10", None, "unpriced", tokens=(10_000, 1000)),
    Bug("openclaw/openclaw#85882", "ollama", "llama3.1:8b", "2026-11-10", None, "unpriced",
        tokens=(10_000, 1000)),
    Bug("BerriAI/litellm#8810, BerriAI/litellm#39294", "openai", "gpt-4o", "2026-11-10", "0.0021",
        tokens=(10_000, 1000), usage={"response_model": "gpt-4o-mini-2024-07-18"}),
    # D: the price of the day, of the tier, of the length of the request.
    Bug("lmnr-ai/lmnr#2307", "openai", "gpt-5.6-sol", "2026-08-10", "5.267544",
        tokens=(514_969, 1532), usage=_cached(48_914)),
    Bug("lmnr-ai/lmnr#2307 (after the cut)", "openai", "gpt-5.6-sol", "2026-09-08", "4.2048432",
        tokens=(514_969, 1532), usage=_cached(48_914)),
    Bug("langfuse/langfuse#12184, steipete/CodexBar#2671, kenn-io/agentsview#1540", "openai", "o3",
        "2025-06-01", "10", tokens=(1_000_000, 0)),
    Bug("langfuse/langfuse#12184, mozilla-ai/any-llm#995 (after the cut)", "openai", "o3",
        "2025-06-11", "2", tokens=(1_000_000, 0)),
    Bug("langfuse/langfuse#8482", "google", "gemini-2.5-pro", "2026-11-10", "0.67",
        tokens=(250_000, 3000)),
    Bug("langfuse/langfuse#16321, langfuse/langfuse#14144, langfuse/langfuse#13820, "
        "langfuse/langfuse#16508", "google", "gemini-2.5-pro", "2026-11-10", "0.02",
        tokens=(0, 2000), usage={"reasoning_tokens": 1500}),
    Bug("Portkey-AI/gateway#1511, BerriAI/litellm#13810", "openai", "gpt-5-nano", "2026-09-08",
        "0.225", tokens=(1_000_000, 1_000_000), usage={"service_tier": "flex"}),
    Bug("dust-tt/dust#23702", "openai", "gpt-4o-mini", "2026-11-10", "0.0135",
        tokens=(100_000, 20_000), usage={"service_tier": "batch"}),
)  # fmt: skip


@dataclass(frozen=True)
class Misread:
    """One call as an emitter tells it, the issues of those who misread it, and its right cost.

    ``buckets``: uncached, read from the cache, written to it for five minutes, output.
    """

    issues: str
    scope: str
    told: Mapping[str, Any]
    buckets: tuple[int, int, int, int]
    usd: str
    status: str = "priced"
    at: str = "2026-11-10"

    def span(self, number: int) -> PlainSpan:
        start = datetime.fromisoformat(self.at).replace(tzinfo=timezone.utc)
        # Apart: of two calls at once with equal counts one would be taken for a second telling.
        start_ns = (int(start.timestamp()) + 60 * number) * 1_000_000_000
        return PlainSpan(
            trace_id=scene.hex32(2),
            span_id=scene.hex16(number),
            start_ns=start_ns,
            end_ns=start_ns + 1_000_000_000,
            attributes=tuple(self.told.items()),
            scope=self.scope,
        )


def _usage(inputs: int, output: int, **cache: int) -> dict[str, Any]:
    """Usage by the names of the conventions; ``cache`` are cache_read, cache_creation."""
    told = {"gen_ai.usage.input_tokens": inputs, "gen_ai.usage.output_tokens": output}
    return told | {f"gen_ai.usage.{name}.input_tokens": count for name, count in cache.items()}


def _call(provider: str, model: str, **more: Any) -> dict[str, Any]:
    names = {"gen_ai.provider.name": provider, "gen_ai.request.model": model}
    return {"gen_ai.operation.name": "chat", **names, **more}


_OPUS = _call("anthropic", "claude-opus-4-5-20251101")
_BEDROCK = "anthropic.claude-3-5-sonnet-20241022-v2:0"

#: A: each bucket has its own rate, and no token is in two of them.
MISREAD = (
    Misread("BerriAI/litellm#11789 (a stream, all of it at the full rate)", "litellm",
        {**_call("anthropic", "claude-sonnet-4-5"), **_usage(13_244, 12),
         "gen_ai.request.stream": True,
         "metadata.usage_object": "{'prompt_tokens': 13244, 'completion_tokens': 12, "
         "'prompt_tokens_details': {'cached_tokens': 13216, 'cache_write_tokens': 25}}"},
        (3, 13_216, 25, 12), "0.00424755"),
    Misread("langfuse/langfuse#10592 (35,720 shown for 17,903)", "langfuse-sdk",
        {"langfuse.observation.type": "generation", "langfuse.observation.model.name": "gpt-4o",
         "langfuse.observation.usage_details": '{"input_tokens": 17903, "output_tokens": 10, '
         '"input_tokens_details": {"cached_tokens": 17817}, "total_tokens": 17913}'},
        (86, 17_817, 0, 10), "0.02258625"),
    Misread("BerriAI/litellm#26919 (what was read is taken out, what was written is not)",
        "litellm",
        {**_OPUS, **_usage(12_000, 100),
         "metadata.usage_object": "{'prompt_tokens': 12000, 'completion_tokens': 100, "
         "'prompt_tokens_details': {'cached_tokens': 1000, 'cache_write_tokens': 10000}}"},
        (1000, 1000, 10_000, 100), "0.0705"),
    Misread("maximhq/bifrost#3451 (what a stream wrote, charged twice)",
        "opentelemetry.instrumentation.genai.anthropic",
        {**_OPUS, **_usage(12_000, 100, cache_read=1000, cache_creation=10_000),
         "gen_ai.request.stream": True},
        (1000, 1000, 10_000, 100), "0.0705"),
    Misread("Arize-ai/phoenix#10036 (Bedrock, told by OpenInference)",
        "openinference.instrumentation.bedrock",
        {"openinference.span.kind": "LLM", "llm.provider": "aws", "llm.model_name": _BEDROCK,
         "llm.token_count.prompt": 10_000, "llm.token_count.completion": 1000,
         "llm.token_count.prompt_details.cache_read": 9000},
        (1000, 9000, 0, 1000), "0.0207", at="2025-03-01"),
    Misread("Arize-ai/phoenix#10036 (Bedrock, told by botocore: the cached apart)",
        "opentelemetry.instrumentation.botocore.bedrock-runtime",
        {**_call("aws.bedrock", _BEDROCK), **_usage(1000, 1000, cache_read=9000)},
        (1000, 9000, 0, 1000), "0.0207", at="2025-03-01"),
    Misread("openlit/openlit#914, openlit/openlit#1284", "openlit.instrumentation.openai",
        {**_call("openai", "gpt-4o"), **_usage(10_000, 500, cache_read=8000)},
        (2000, 8000, 0, 500), "0.02"),
    Misread("mlflow/mlflow#22606", "mlflow.tracing.provider",
        {"mlflow.spanType": '"CHAT_MODEL"', "mlflow.llm.model": '"gpt-4o"',
         "mlflow.llm.provider": '"openai"',
         "mlflow.chat.tokenUsage": '{"input_tokens": 10000, "output_tokens": 500, '
         '"total_tokens": 10500, "cache_read_input_tokens": 8000}'},
        (2000, 8000, 0, 500), "0.02"),
    Misread("langfuse/codex-observability-plugin#22", "langfuse-sdk",
        {"langfuse.observation.type": "generation", "langfuse.observation.model.name": "gpt-4o",
         "langfuse.observation.usage_details": '{"input": 1000, "output": 1, '
         '"cache_read_input_tokens": 8000}'},
        (1000, 8000, 0, 1), "0.01251"),
    Misread("langfuse/codex-observability-plugin#22 (a model without that price)", "langfuse-sdk",
        {"langfuse.observation.type": "generation",
         "langfuse.observation.model.name": "gpt-3.5-turbo-0125",
         "langfuse.observation.usage_details": '{"input": 1000, "output": 0, '
         '"cache_read_input_tokens": 8000}'},
        (1000, 8000, 0, 0), "0.0005", "partial"),
)  # fmt: skip


@pytest.fixture(scope="module", name="settled")
def _settled(module_store: Store, book: PriceBook) -> Store:
    misread = [call.span(number) for number, call in enumerate(MISREAD, 1)]
    received = record(misread, received_at_ns=_KNOWN_NS)
    with module_store.connect() as connection:
        publish(connection, book)
        scene.load(connection, [bug.span(number) for number, bug in enumerate(BUGS, 1)])
    load(module_store, [received], scene.JOURNAL)
    settler = scene.settler(module_store, resolve=book.resolve, book_id=book.book_id)
    settler.settle_traces([("default", scene.hex32(trace)) for trace in (1, 2)])
    settler.stop(drain=False)
    return module_store


def _rows(store: Store, trace: int) -> dict[int, scene.Row]:
    with store.connect() as connection:
        return {int(str(row["span_id"]), 16): row for row in scene.attempts(connection, trace)}


@pytest.fixture(scope="module", name="attempts")
def _attempts(settled: Store) -> dict[str, scene.Row]:
    rows = _rows(settled, 1)
    return {bug.issues: rows[number] for number, bug in enumerate(BUGS, 1)}


@pytest.fixture(scope="module", name="misread")
def _misread(settled: Store) -> dict[str, scene.Row]:
    rows = _rows(settled, 2)
    return {call.issues: rows[number] for number, call in enumerate(MISREAD, 1)}


@pytest.mark.parametrize("call", MISREAD, ids=lambda call: call.issues)
def test_it_is_read_and_billed_right(misread: dict[str, scene.Row], call: Misread) -> None:
    """From what the emitter tells to disjoint buckets, and each at its own rate."""
    row = misread[call.issues]
    assert tuple(row[name] for name in _BUCKETS) == call.buckets
    assert (row["price_status"], row["cost_usd"]) == (call.status, Decimal(call.usd))
    assert row["counted"]


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.issues)
def test_it_is_billed_right(attempts: dict[str, scene.Row], bug: Bug) -> None:
    """The exact amount, or unknown with its own state."""
    row = attempts[bug.issues]
    wanted = None if bug.usd is None else Decimal(bug.usd)
    assert (row["price_status"], row["cost_usd"]) == (bug.status, wanted)
    assert row["counted"]


@pytest.fixture(name="history")
def _history(store: Store) -> Iterator[tuple[Store, Connection, Ledger]]:
    """A week that was billed, and a price that is learned to have been wrong."""
    with store.connect() as connection, Ledger(DirectReader(store)) as ledger:
        scene.publish(connection, [scene.price(input="2")])
        scene.load(connection, [scene.call(1, 0, (1, 0))])
        scene.settle(store)
        wrong = scene.price(input="3", known_from="2026-11-20 00:00:00.000")
        scene.publish(connection, [wrong])
        yield store, connection, ledger


def test_a_closed_week_does_not_move_with_the_price_feed(
    history: tuple[Store, Connection, Ledger],
) -> None:
    """ccusage/ccusage#1636: the same calls gave $2,473 or $1,924, by the state of the feed."""
    store, connection, _ = history
    before = scene.cost(connection, "attempts")
    scene.settle(store)
    assert scene.cost(connection, "attempts") == before == Decimal(2)


@pytest.mark.slow
def test_and_history_can_be_asked_again_at_the_right_price(
    history: tuple[Store, Connection, Ledger],
) -> None:
    """The opposite need, told apart.

    nujovich/hermes-telemetry#83, bricks-cloud/BricksLLM#67, langfuse/langfuse-docs#2018.
    """
    (total,) = history[2].reprice()
    assert (total.billed_usd, total.repriced_usd) == (Decimal(2), Decimal(3))
    then = datetime(2026, 11, 19, tzinfo=timezone.utc)
    (known_then,) = history[2].reprice(as_known_at=then)
    assert known_then.repriced_usd == Decimal(2)
