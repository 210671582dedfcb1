"""What is wrong, unknown or late has a state of its own in the ledger, and is nowhere a silent 0.

From OTLP through the real transform to settled attempts, at an operator's prices beside the shipped
book. All calls are received on 2026-11-24; amounts are worked out by hand.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any

import pytest
from tests.collector.settle import scene
from tests.support.loaded_rows import JOURNAL, load
from tests.support.otlp_requests import PlainSpan, record

from spanledger_collector.price import PriceBook, publish
from spanledger_collector.query import DirectReader, Ledger, TraceReport
from spanledger_collector.store import Store

_PRICES = """
prices:
- {provider: acme, model: steady, valid_from: 2026-01-01, why: list,
   usd_per_million_tokens: {input: "2", output: "10"}}
- {provider: acme, model: caching, valid_from: 2026-01-01, why: list,
   usd_per_million_tokens: {input: "2", cache_read: "0.2", cache_write_5m: "2.5", output: "10"}}
- {provider: acme, model: filming, valid_from: 2026-01-01, why: list,
   usd_per_million_tokens: {input: "2"}, units: {video_seconds: {usd: "0.40"}}}
- {provider: acme, model: changed, valid_from: 2026-01-01, why: list,
   usd_per_million_tokens: {input: "2", output: "10"}}
- {provider: acme, model: changed, valid_from: 2026-11-23, why: dearer since yesterday,
   usd_per_million_tokens: {input: "4", output: "10"}}
- {provider: acme, model: announced, valid_from: 2026-12-25, why: announced,
   usd_per_million_tokens: {input: "2", output: "10"}}
- {provider: acme, model: corrected, valid_from: 2026-01-01, why: misread,
   usd_per_million_tokens: {input: "2", output: "10"}}
- {provider: acme, model: corrected, valid_from: 2026-01-01, known_from: 2026-11-30, why: again,
   usd_per_million_tokens: {input: "3", output: "10"}}
"""
_TRACE = scene.hex32(1)
_INPUT, _OUTPUT = "gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens"
_CACHED = "gen_ai.usage.cache_read.input_tokens"
_WRITTEN = "gen_ai.usage.cache_creation.input_tokens"
_SEARCHES = "spanledger.usage.units.web_searches"
_VIDEO = "spanledger.usage.units.video_seconds"
_SOURCE, _HIT = "spanledger.usage.source", "litellm.cache_hit"
_UNMETERED = ("unmetered", (), None)


@dataclass(frozen=True)
class Call:
    """One call as its emitter tells it, and its (price status, units without a rate, cost)."""

    what: str
    model: str
    usage: dict[str, Any]
    wanted: tuple[str, tuple[str, ...], str | None]
    day: int = 24

    def _told(self) -> dict[str, Any]:
        """Output of 0 where nothing else is said of it; None = not told at all."""
        return ({_OUTPUT: 0} if _INPUT in self.usage else {}) | self.usage

    def span(self, number: int) -> PlainSpan:
        """At noon of a day of November 2026."""
        at = datetime(2026, 11, self.day, 12, tzinfo=timezone.utc)
        start_ns = int(at.timestamp()) * 1_000_000_000
        return PlainSpan(
            trace_id=_TRACE,
            span_id=scene.hex16(number),
            name=f"chat {self.model}",
            start_ns=start_ns,
            end_ns=start_ns + 1_000_000_000,
            attributes=(
                ("gen_ai.operation.name", self.usage.get("gen_ai.operation.name", "chat")),
                ("gen_ai.provider.name", "acme"),
                ("gen_ai.request.model", self.model),
                *((name, told) for name, told in self._told().items() if told is not None),
            ),
        )


CALLS = (
    Call("a plain call", "steady", {_INPUT: 1000, _OUTPUT: 100}, ("priced", (), "0.003")),
    Call("unknown model", "nobody-knows", {_INPUT: 9, _OUTPUT: 9}, ("unpriced", (), None)),
    Call("future-dated price", "announced", {_INPUT: 9}, ("unpriced", (), None)),
    Call("price changed yesterday (a call of the day before)", "changed", {_INPUT: 1000},
         ("priced", (), "0.002"), day=22),
    Call("price changed yesterday (a call since)", "changed", {_INPUT: 1000},
         ("priced", (), "0.004"), day=23),
    Call("price corrected retroactively (billed as it was known)", "corrected", {_INPUT: 1000},
         ("priced", (), "0.002")),
    Call("unpriced bucket on a priced model", "steady", {_INPUT: 1000, _CACHED: 400},
         ("partial", ("cache_read",), "0.0012")),
    Call("unpriced bucket and nothing else", "steady", {_INPUT: 400, _CACHED: 400},
         ("unpriced", ("cache_read",), None)),
    Call("unpriced unit on a priced model", "steady", {_INPUT: 1000, _SEARCHES: 2},
         ("partial", ("web_searches",), "0.002")),
    Call("video, at its own price", "filming", {_INPUT: 1000, _VIDEO: 8},
         ("priced", (), "3.202")),
    Call("video, of a model without any price", "sora-2", {_VIDEO: 8},
         ("unpriced", (), None)),
    Call("video beside tokens, without a rate", "steady", {_INPUT: 1000, _VIDEO: 8},
         ("partial", ("video_seconds",), "0.002")),
    Call("negative token count: input", "steady", {_INPUT: -1000, _OUTPUT: 100}, _UNMETERED),
    Call("negative token count: output", "steady", {_INPUT: 1000, _OUTPUT: -1}, _UNMETERED),
    Call("negative token count: cached input", "steady", {_INPUT: 1000, _CACHED: -400}, _UNMETERED),
    Call("absurd token count: more than a call can have", "steady", {_INPUT: 2**27}, _UNMETERED),
    Call("absurd token count: 2^40 less one", "steady", {_INPUT: 2**40 - 1}, _UNMETERED),
    Call("absurd token count: 2^40", "steady", {_INPUT: 2**40, _OUTPUT: 1}, _UNMETERED),
    Call("absurd token count: the greatest number there is", "steady", {_INPUT: 2**63 - 1},
         _UNMETERED),
    Call("absurd token count: more than fits", "steady", {_INPUT: "9" * 25}, _UNMETERED),
    Call("absurd token count: a word", "steady", {_INPUT: "many", _OUTPUT: 100}, _UNMETERED),
    Call("absurd token count: not a number", "steady", {_INPUT: float("nan"), _OUTPUT: 100},
         _UNMETERED),
    Call("absurd token count: infinity", "steady", {_INPUT: float("inf"), _OUTPUT: 100},
         _UNMETERED),
    Call("negative searches", "steady", {_INPUT: 1000, _SEARCHES: -2}, _UNMETERED),
    Call("zero of everything", "steady", {_INPUT: 0, _OUTPUT: 0}, _UNMETERED),
    Call("zero searches and nothing else", "steady", {_SEARCHES: 0}, _UNMETERED),
    Call("the provider's zeros", "steady", {_SOURCE: "provider", _INPUT: 0}, _UNMETERED),
    Call("the provider's, and no count", "steady", {_SOURCE: "provider"}, _UNMETERED),
    Call("zeros, for nobody was asked", "steady", {_SOURCE: "none", _INPUT: 0, _OUTPUT: 0},
         ("not_billed", (), "0")),
    Call("zeros of a cache", "steady", {_HIT: True, _INPUT: 0}, ("not_billed", (), "0")),
    Call("output of zero", "steady", {_INPUT: 1000, _OUTPUT: 0}, ("priced", (), "0.002")),
    Call("no usage at all", "steady", {}, _UNMETERED),
    Call("output that nobody told", "steady", {_INPUT: 1000, _OUTPUT: None},
         ("partial", ("output_untold",), "0.002")),
    Call("output that nobody told, of a model without any price", "nobody-knows",
         {_INPUT: 1000, _OUTPUT: None}, ("unpriced", (), None)),
    Call("output that nobody told, of what makes none", "steady",
         {"gen_ai.operation.name": "embeddings", _INPUT: 1000, _OUTPUT: None},
         ("priced", (), "0.002")),
    Call("the most that is believed", "steady", {_INPUT: 2**27 - 1},
         ("priced", (), "268.435454")),
    Call("absurd token count: more cached than there is", "steady", {_INPUT: 1000, _CACHED: 4000},
         ("partial", ("cache_read",), "0.002")),
    # What was told to other trackers as their bug, where it is the telling that was misread.
    Call("langfuse/langfuse#12306 (the input contains the cached)", "caching",
         {_INPUT: 1000, _CACHED: 400}, ("priced", (), "0.00128")),
    Call("langfuse/langfuse#9386 (not all that says input is input)", "steady",
         {_INPUT: 1000, "app.input_tokens": 9000, "gen_ai.usage.input_tokens_shown": 9000},
         ("priced", (), "0.002")),
    Call("mlflow/mlflow#24759, mlflow/mlflow#24869, mlflow/mlflow#24867 (cache fields dropped)",
         "caching", {_INPUT: 10_000, _CACHED: 9000, _WRITTEN: 500}, ("priced", (), "0.00405")),
)  # fmt: skip


@pytest.fixture(scope="module", name="ledger")
def _ledger(module_store: Store, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    path = tmp_path_factory.mktemp("prices") / "prices.yaml"
    path.write_text(_PRICES)
    book = PriceBook.shipped(path)
    with module_store.connect() as connection:
        publish(connection, book)
    load(module_store, [record([call.span(number) for number, call in enumerate(CALLS, 1)])])
    settler = scene.settler(
        module_store, resolve=book.resolve, book_id=book.book_id, journal_id=JOURNAL
    )
    settler.settle_traces([("default", _TRACE)])
    settler.stop(drain=False)
    with Ledger(DirectReader(module_store)) as ledger:
        yield ledger


@pytest.fixture(scope="module", name="report")
def _report(ledger: Ledger) -> TraceReport:
    return ledger.trace(_TRACE)


@pytest.mark.parametrize("number", range(len(CALLS)), ids=[call.what for call in CALLS])
def test_it_has_a_state_of_its_own(report: TraceReport, number: int) -> None:
    """Status, the units that have no rate, and the cost of what is known; unknown is None."""
    status, units, usd = CALLS[number].wanted
    row = {attempt.span_id: attempt for attempt in report.attempts}[scene.hex16(number + 1)]
    wanted = (status, units, None if usd is None else Decimal(usd))
    assert (row.price_status, row.unpriced_units, row.cost_usd) == wanted
    assert row.counted
    if status == "unmetered":
        assert row.usage_source == "missing"
        assert row.input_uncached_tokens == row.output_tokens == row.cache_read_tokens == 0


def test_the_total_says_how_much_of_it_is_unknown(report: TraceReport) -> None:
    """It is the sum of what is known, and every call that is not wholly known is counted."""
    known = [Decimal(call.wanted[2]) for call in CALLS if call.wanted[2] is not None]
    assert report.summary.cost_usd == sum(known)
    unknown = [call for call in CALLS if call.wanted[0] not in ("priced", "not_billed")]
    assert report.summary.unpriced_attempts == len(unknown)
    assert report.summary.attempts == len(CALLS)


@pytest.mark.slow
def test_the_explanation_says_why(ledger: Ledger) -> None:
    """In words: which units have no rate, or that the cost is unknown and not zero."""
    for number, call in enumerate(CALLS, 1):
        status, units, usd = call.wanted
        (explained,) = ledger.explain(scene.hex16(number))
        said = " ".join(explained.reasons)
        assert explained.adds_up, call.what
        assert ("cost unknown, not zero" in said) == (usd is None), call.what
        assert ("what no usage can be" in said) == (status == "unmetered"), call.what
        if usd is not None:
            assert all(unit in said for unit in units), call.what


@pytest.mark.slow
def test_what_was_assumed_of_the_telling_is_told(ledger: Ledger) -> None:
    """Counts that cannot contain each other, and an emitter that does not say whether they do."""
    assumed = {
        "unpriced bucket on a priced model",
        "unpriced bucket and nothing else",
        "absurd token count: more cached than there is",
        "langfuse/langfuse#12306 (the input contains the cached)",
        "mlflow/mlflow#24759, mlflow/mlflow#24869, mlflow/mlflow#24867 (cache fields dropped)",
    }
    said = {
        call.what: ledger.explain(scene.hex16(number))[0] for number, call in enumerate(CALLS, 1)
    }
    assert {what for what, one in said.items() if one.attempt.usage_assumed} == assumed
    for what, one in said.items():
        told = " ".join(one.reasons)
        assert ("what contains what was assumed" in told) == (what in assumed), what
        assert ("output: nobody told it" in told) == (
            "output_untold" in one.attempt.unpriced_units
        ), what


def test_prices_of_other_days_can_be_asked_for(ledger: Ledger) -> None:
    """As known now the corrected price holds; on the day it starts, the announced one."""
    now = {row.key: row for row in ledger.reprice(by="model")}
    assert now["acme/corrected"].billed_usd == Decimal("0.002")
    assert now["acme/corrected"].repriced_usd == Decimal("0.003")
    christmas = datetime(2026, 12, 26, tzinfo=timezone.utc)
    then = {row.key: row for row in ledger.reprice(by="model", as_valid_at=christmas)}
    assert then["acme/announced"].repriced_usd == Decimal("0.000018")
    assert now["acme/announced"].repriced_usd is None
