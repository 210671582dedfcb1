"""What would be saved: the figures of the runs themselves, ranked, with what is not known."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from datetime import timedelta
from decimal import Decimal
from typing import Any

import httpx
import orjson
import pytest
from tests.collector.settle import scene
from tests.support.served_ledger import served
from tests.support.writer_ledger import CACHED_RATE, RATES, RUNS

from spanledger_collector.errors import NotFoundError, PermanentError
from spanledger_collector.estimate import Sample, mean_interval
from spanledger_collector.query import DirectReader, Hosting, Ledger, Scenario, WhatIf
from spanledger_collector.store import Store


@pytest.fixture
def ledger(written: Store) -> Iterator[Ledger]:
    with Ledger(DirectReader(written)) as found:
        yield found


def _by_kind(ledger: Ledger, **asked: object) -> dict[str, WhatIf]:
    report = ledger.what_if("writer", **asked)  # type: ignore[arg-type] -- by name, from the tests
    return {scenario.kind: scenario for scenario in report.scenarios}


def _tokens() -> list[int]:
    return [run.tokens + run.wasted_tokens for run in RUNS]


def test_another_model_saves_the_difference_of_the_rates(ledger: Ledger) -> None:
    """Runs of version 1 cost half with m2; those of version 2 are on it: they save nothing."""
    found = _by_kind(ledger, models=[("acme", "m2")])["model"]
    saved = [
        tokens * (RATES[run.model] - RATES["m2"])
        for run, tokens in zip(RUNS, _tokens(), strict=True)
    ]
    assert found.saved_usd == sum(saved)
    assert (found.saved_low_usd, found.saved_high_usd) == (found.saved_usd, found.saved_usd)
    assert found.compared_attempts == found.attempts
    expected = mean_interval(Sample.of([float(each) for each in saved]))
    assert found.saving_per_run.n == len(RUNS)
    assert float(found.saving_per_run.low or 0) == pytest.approx(expected.low, rel=1e-9)
    assert float(found.saving_per_run.high or 0) == pytest.approx(expected.high, rel=1e-9)
    assert any("quality" in told for told in found.unknown)


def test_a_dearer_model_saves_less_than_nothing(ledger: Ledger) -> None:
    found = _by_kind(ledger, models=[("acme", "m1")])["model"]
    assert found.saved_usd is not None
    assert found.saved_usd < 0
    assert (found.saved_ratio or 0) < 0


def test_it_is_the_arithmetic_of_the_time_machine(ledger: Ledger) -> None:
    """The same scenario, priced by ``reprice``."""
    scenario = Scenario(provider="acme", model="m2")
    (row,) = [row for row in ledger.reprice(by="agent", scenario=scenario) if row.key == "writer"]
    found = _by_kind(ledger, models=[("acme", "m2")])["model"]
    assert found.saved_usd == -(row.difference_usd or 0)
    assert found.compared_attempts == row.compared_attempts


def test_without_rework_the_wasted_is_saved(ledger: Ledger) -> None:
    found = _by_kind(ledger)["rework"]
    wasted = [float(run.wasted) for run in RUNS]
    assert found.saved_usd == sum(run.wasted for run in RUNS)
    expected = mean_interval(Sample.of(wasted), floor=0)
    assert float(found.saving_per_run.low or 0) == pytest.approx(expected.low, rel=1e-9)
    assert found.saving_per_run.method == expected.method


@pytest.mark.slow
def test_wasted_usage_that_was_estimated_has_ends(store: Store) -> None:
    """Of two wasted answers one is estimated: 100 tokens, 50 to 300; a token costs a cent."""
    told: dict[str, Any] = {"usage_source": "estimated"}
    told |= {"input_tokens_low": 50, "input_tokens_high": 300}
    again = {"rework_reason": "regenerated"}
    rows = [
        scene.span(1, 0, "agent", agent_name="guesser"),
        scene.call(2, 1, (100, 0), rework_of=3, **told, **again),
        scene.call(3, 1, (100, 0), **told),
        scene.call(4, 1, (100, 0), rework_of=5, **again),
        scene.call(5, 1, (100, 0)),
    ]
    with store.connect() as connection:
        scene.publish(connection, [scene.price("m1", input="0.01")])
        scene.load(connection, rows)
    scene.settle(store)
    with Ledger(DirectReader(store)) as ledger:
        report = ledger.what_if("guesser", models=[], rework_shares=(1.0, 0.5))
    whole, half = (one for one in report.scenarios if one.kind == "rework")
    assert (whole.saved_low_usd, whole.saved_usd, whole.saved_high_usd) == (
        Decimal("1.5"), Decimal(2), Decimal(4)
    )  # fmt: skip
    assert (half.saved_low_usd, half.saved_high_usd) == (Decimal("0.75"), Decimal(2))


def _on_m1() -> list[tuple[int, Decimal]]:
    """Tokens of the runs on ``m1``, which alone has other rates, and what they were billed."""
    pairs = zip(RUNS, _tokens(), strict=True)
    return [(tokens, run.cost) for run, tokens in pairs if run.model == "m1"]


def test_what_has_no_rate_saves_nothing_and_says_so(ledger: Ledger) -> None:
    """Batches and cached input of ``m1`` are in the book, of ``m2`` not."""
    found = _by_kind(ledger, cache_shares=(0.5,))
    billed = sum((cost for _, cost in _on_m1()), Decimal(0))
    assert found["tier"].saved_usd == billed / 2
    assert found["tier"].missing == ("service_tier:batch",)
    assert found["tier"].saving_per_run.n == 30
    halves = [tokens * 500_000 // 1_000_000 for tokens in _cached_tokens()]
    assert found["cache"].saved_usd == sum(halves) * (RATES["m1"] - CACHED_RATE)
    for scenario in (found["tier"], found["cache"]):
        assert scenario.compared_attempts == len(_cached_tokens()) < scenario.attempts


def _cached_tokens() -> list[int]:
    """Tokens of every call on ``m1``: shares are taken call by call."""
    runs = [run for run in RUNS if run.model == "m1"]
    return [n for run in runs for n in (run.tokens, run.wasted_tokens) if n]


def test_where_nothing_can_be_compared_nothing_is_known(ledger: Ledger) -> None:
    (found,) = [
        scenario for scenario in ledger.what_if("tiny").scenarios if scenario.kind == "tier"
    ]
    assert (found.saved_usd, found.compared_attempts) == (None, 0)
    assert found.saving_per_run.value is None


def test_without_models_named_those_of_the_ledger_are_tried(ledger: Ledger) -> None:
    """The writer called m1 and m2; m3 is what tiny calls."""
    names = {s.name for s in ledger.what_if("writer").scenarios if s.kind == "model"}
    assert names == {"acme/m3 instead"}


def test_most_saved_is_first_and_unknown_last(ledger: Ledger) -> None:
    report = ledger.what_if("tiny", models=[("acme", "m1"), ("acme", "m2")])
    saved = [scenario.saved_usd for scenario in report.scenarios]
    known = [amount for amount in saved if amount is not None]
    assert known == sorted(known, reverse=True)
    assert saved == [*known, *[None] * (len(saved) - len(known))]
    assert [scenario.name for scenario in report.scenarios][:3] == [
        "no rework", "acme/m2 instead", "acme/m1 instead"
    ]  # fmt: skip
    assert len(known) == 3


def test_a_part_of_the_rework_saves_that_part(ledger: Ledger) -> None:
    """Of the sum, of the mean and of both ends; nothing and more than all is no part."""
    report = ledger.what_if("writer", rework_shares=(1.0, 0.25))
    whole, part = (one for one in report.scenarios if one.kind == "rework")
    assert (whole.name, part.name) == ("no rework", "25% less rework")
    assert whole.saved_usd is not None
    assert part.saved_usd == whole.saved_usd / 4 > 0
    told = whole.saving_per_run
    assert told.value is not None
    assert told.low is not None
    assert told.high is not None
    figures = (part.saving_per_run.value, part.saving_per_run.low, part.saving_per_run.high)
    assert figures == (told.value / 4, told.low / 4, told.high / 4)
    for share in (0.0, 1.5):
        with pytest.raises(PermanentError, match="less rework is a share"):
            ledger.what_if("writer", rework_shares=(share,))


def test_estimated_usage_leaves_a_range(filled: Store) -> None:
    """A tenth less or more was used of 100 tokens in and 10 out: so much less or more is saved."""
    with Ledger(DirectReader(filled)) as ledger:
        report = ledger.what_if("researcher", models=[("acme", "m1")], cache_shares=(1.0,))
    by_kind = {scenario.kind: scenario for scenario in report.scenarios}
    cache = by_kind["cache"]
    assert cache.saved_usd is not None
    assert cache.saved_low_usd is not None
    assert cache.saved_high_usd is not None
    assert cache.saved_low_usd < cache.saved_usd < cache.saved_high_usd
    assert "too few" in cache.saving_per_run.reason or cache.saving_per_run.value is None
    assert by_kind["model"].saved_usd == Decimal(0)


def test_what_cannot_be_asked_is_told(ledger: Ledger) -> None:
    with pytest.raises(NotFoundError, match="no price of acme/m9"):
        ledger.what_if("writer", models=[("acme", "m9")])
    with pytest.raises(NotFoundError, match="no runs of an agent 'wrter'"):
        ledger.what_if("wrter")
    with pytest.raises(PermanentError, match="'overnight' is no service tier; there are: batch, "):
        ledger.what_if("writer", models=[], tiers=["batch", "overnight"])


@pytest.mark.slow
def test_the_api_gives_the_same(written: Store, ledger: Ledger) -> None:
    with served(written) as api, httpx.Client(base_url=api.url, timeout=300) as client:
        where = "/v1/agents/writer/what-if"
        answer = client.get(where, params={"model": "acme/m2", "tier": "flex"})
        expected = asdict(ledger.what_if("writer", models=[("acme", "m2")], tiers=("flex",)))
        assert answer.json() == orjson.loads(orjson.dumps(expected, default="{:f}".format))
        several = {
            "model": "acme/m2,acme/m3", "tier": "flex,batch", "cache_share": "0.5,0.9",
            "rework_share": "0.5,1", "host": "llama-3.1-8b", "gpu": "h100-sxm5-80gb",
            "gpu_rate": "2.95", "gpus": "2", "weights": "bf16,fp8",
        }  # fmt: skip
        answer = client.get(where, params=several)
        plans = [
            Hosting("llama-3.1-8b", "h100-sxm5-80gb", 2.95, 2, weights)
            for weights in ("bf16", "fp8")
        ]
        expected = asdict(
            ledger.what_if(
                "writer", models=[("acme", "m2"), ("acme", "m3")], tiers=("flex", "batch"),
                cache_shares=(0.5, 0.9), rework_shares=(0.5, 1), hostings=plans,
            )
        )  # fmt: skip
        assert {one["kind"] for one in expected["scenarios"]} >= {"hosting", "rework", "cache"}
        assert answer.json() == orjson.loads(orjson.dumps(expected, default="{:f}".format))


@pytest.mark.slow
def test_what_nobody_made_again_would_have_cost_the_same(store: Store) -> None:
    """12 answers judged wrong, of which two were made again, with what was built on one of them."""
    rows: list[scene.Row] = []
    for trace in range(1, 13):
        where: dict[str, Any] = {"trace": trace, "at": trace * 20}
        judged = {
            "spanledger.evaluation.verdict": "wrong",
            "spanledger.subject.trace_id": scene.hex32(trace),
            "spanledger.subject.span_id": scene.hex16(2),
        }
        rows += [
            scene.span(1, 0, "agent", agent_name="wrong", lasts=9, **where),
            scene.call(2, 1, (100, 0), **where),
            scene.span(3, 2, "record", attributes=judged, **(where | {"lasts": 0})),
        ]
    again: dict[str, Any] = {"rework_of": 2, "rework_reason": "regenerated"}
    rows += [
        scene.call(4, 1, (100, 0), trace=1, at=20 + 5, **again),
        scene.call(4, 1, (30, 0), trace=2, at=40 + 2),
        scene.call(5, 1, (100, 0), trace=2, at=40 + 5, **again),
        scene.call(4, 1, (7, 0), trace=3, at=60 + 2),
    ]
    with store.connect() as connection:
        scene.publish(connection, [scene.price("m1", input="0.01")])
        scene.load(connection, rows)
    scene.settle(store, range(1, 13))
    with Ledger(DirectReader(store)) as ledger:
        wasted = ledger.agent("wrong").total.sums.rework_cost_usd
        found = _only_rework(ledger, "wrong")
    assert wasted == Decimal("12.37")
    assert found.saved_usd == Decimal("2.3")
    assert float(found.saving_per_run.value or 0) == pytest.approx(2.3 / 12)
    assert found.unknown[0].startswith("$10.07 of answers judged wrong and of failures")


def _only_rework(ledger: Ledger, agent: str) -> WhatIf:
    (found,) = [s for s in ledger.what_if(agent, models=[]).scenarios if s.kind == "rework"]
    return found


@pytest.mark.slow
def test_a_model_answers_calls_of_its_kind_alone(store: Store) -> None:
    """An agent that chats and embeds: its embeddings stay, and no embedding model is offered.

    And an answer in the period of a run that began before it is no part of the period's runs.
    """
    emb = {"request_model": "emb", "operation": "embeddings"}
    rows: list[scene.Row] = []
    for trace in range(1, 13):
        where = {"trace": trace, "at": 3600 + trace * 60}
        rows += [
            scene.span(1, 0, "agent", agent_name="rag", lasts=30, **where),
            scene.call(2, 1, (1000, 200), **where),
            scene.call(3, 1, (100_000, 0), **emb, **where),
        ]
    # Began an hour before the period, and was dear in it.
    rows += [
        scene.span(1, 0, "agent", agent_name="rag", lasts=7000, trace=20),
        scene.call(2, 1, (1_000_000, 0), trace=20, at=6000),
    ]
    for trace in (30, 31):
        where = {"trace": trace, "at": 3600}
        rows += [
            scene.span(1, 0, "agent", agent_name="other", lasts=30, **where),
            scene.call(2, 1, (10, 1), request_model="m2", **where),
            scene.call(3, 1, (10, 0), request_model="emb2", operation="embeddings", **where),
        ]
    prices = [
        scene.price("m1", input="0.0000025", output="0.00001"),
        scene.price("m2", input="0.00000015", output="0.0000006"),
        scene.price("emb", input="0.00000002"),
        scene.price("emb2", input="0.00000001"),
        scene.price("emb3", input="0.00000001"),
    ]
    with store.connect() as connection:
        scene.publish(connection, prices)
        scene.load(connection, rows)
    scene.settle(store, [*range(1, 13), 20, 30, 31])
    since = scene.START + timedelta(hours=1)
    with Ledger(DirectReader(store)) as ledger:
        report = ledger.what_if("rag", since)
        found = {one.name: one for one in report.scenarios}
        chats = 12 * (1000 * Decimal("0.00000235") + 200 * Decimal("0.0000094"))
        assert found["acme/m2 instead"].saved_usd == chats
        assert found["acme/m2 instead"].unknown[0].startswith("embeddings: calls of other kinds")
        assert found["acme/emb2 instead"].saved_usd == 12 * 100_000 * Decimal("0.00000001")
        assert found["acme/emb2 instead"].unknown[0].startswith("chat: calls of other kinds")
        assert report.runs == found["acme/m2 instead"].saving_per_run.n == 12
        assert all(one.saved_usd is None or one.saved_usd < (report.cost_usd or 0)
                   for one in report.scenarios)  # fmt: skip
        # Of a model that nobody called the book says what it is.
        (named,) = [
            one for one in ledger.what_if("rag", since, models=[("acme", "emb3")]).scenarios
            if one.kind == "model"
        ]  # fmt: skip
        assert named.saved_usd == found["acme/emb2 instead"].saved_usd
        assert report.notes == []
        only_chat = ledger.what_if("other", since, models=[])
        assert "name one to try" in only_chat.notes[0]


@pytest.mark.slow
def test_what_cannot_be_compared_or_is_cached_already_is_no_saving_of_nothing(store: Store) -> None:
    """Refused calls cost nothing either way; a share of cached input takes no cache away."""
    cached = {"cache_read_usd_per_token": "0.000001"}
    with store.connect() as connection:
        scene.publish(connection, [scene.price("bare", input="0.00001", output="0")])
        scene.publish(connection, [scene.price("keeps", input="0.00001", output="0", **cached)])
        rows: list[scene.Row] = []
        for trace in range(1, 9):
            agent = "refused" if trace < 5 else "caching"
            where = {"trace": trace, "at": trace * 100, "agent_name": agent}
            rows.append(scene.span(1, 0, "agent", **where))
            if agent == "refused":
                retried = {
                    "attempt_number": 2,
                    "retry_reasons": ["429"],
                    "retry_wait_seconds": [0.5],
                }
                rows.append(
                    {**scene.call(2, 1, (1000, 0), request_model="bare", **where), **retried}
                )
            else:
                model = {"request_model": "keeps"}
                rows.append(scene.call(2, 1, (1000, 0), **model, **where))
                rows.append(scene.call(3, 1, (100, 0), cache_read_tokens=9900, **model, **where))
        scene.load(connection, rows)
    scene.settle(store, list(range(1, 9)))
    with Ledger(DirectReader(store)) as ledger:
        refused = ledger.what_if("refused").scenarios
        caching = ledger.what_if("caching", cache_shares=[0.9, 0.5]).scenarios
    told = {one.kind: one for one in refused if one.kind in ("tier", "cache")}
    assert [told[kind].saved_usd for kind in ("tier", "cache")] == [None, None]
    assert told["tier"].compared_attempts == 4
    saved = [one.saved_usd for one in caching if one.kind == "cache"]
    assert saved == [4 * share * Decimal("0.000009") for share in (900, 500)]
