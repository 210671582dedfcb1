"""Bugs that other cost trackers were told of, by their issue: what they billed, and what is right.

Families A (cached tokens), C (money that vanishes) and D (prices wrong, late, or rewriting history)
at the ledger. Beside it: double counting (B) in ``settle/test_known_double_counts.py``, losses that
take a run to see (C) in ``settle/test_known_losses.py``, what was misread as it was told (A) in
``test_states.py``, feeds gone stale (D) in ``test_build.py`` and bills that differ (D) in
``reconcile/test_variance.py``. Not held anywhere as a test of cost:

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

from spanledger_collector.price import PriceBook, publish
from spanledger_collector.query import DirectReader, Ledger
from spanledger_collector.store import Connection, Store

_KNOWN = "2100-01-01 00:00:00"


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


def _cached(read: int = 0, write: int = 0) -> dict[str, int]:
    return {"cache_read_tokens": read, "cache_write_5m_tokens": write}


BUGS = (
    # A: each bucket has its own rate, and no token is in two of them.
    Bug("BerriAI/litellm#11789, langfuse/langfuse#10592", "anthropic", "claude-sonnet-4-5",
        "2026-11-10", "0.00424755", tokens=(3, 12), usage=_cached(13_216, 25)),
    Bug("BerriAI/litellm#26919, maximhq/bifrost#3451", "anthropic", "claude-opus-4-5-20251101",
        "2026-11-10", "0.0625", tokens=(0, 0), usage=_cached(write=10_000)),
    Bug("Arize-ai/phoenix#10036", "aws.bedrock", "anthropic.claude-3-5-sonnet-20241022-v2:0",
        "2025-03-01", "0.0207", tokens=(1000, 1000), usage=_cached(9000)),
    Bug("openlit/openlit#914, openlit/openlit#1284, mlflow/mlflow#22606", "openai", "gpt-4o",
        "2026-11-10", "0.02", tokens=(2000, 500), usage=_cached(8000)),
    Bug("langfuse/codex-observability-plugin#22", "openai", "gpt-3.5-turbo-0125", "2026-11-10",
        "0.0005", "partial", tokens=(1000, 0), usage=_cached(8000)),
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


@pytest.fixture(scope="module", name="attempts")
def _attempts(module_store: Store, book: PriceBook) -> dict[str, scene.Row]:
    with module_store.connect() as connection:
        publish(connection, book)
        scene.load(connection, [bug.span(number) for number, bug in enumerate(BUGS, 1)])
        settler = scene.settler(module_store, resolve=book.resolve, book_id=book.book_id)
        settler.settle_traces([("default", scene.hex32(1))])
        settler.stop(drain=False)
        rows = {int(str(row["span_id"]), 16): row for row in scene.attempts(connection)}
    return {bug.issues: rows[number] for number, bug in enumerate(BUGS, 1)}


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
