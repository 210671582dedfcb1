"""When assets are earned back: by the runs they serve, and honestly where that may be never."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from decimal import Decimal
from math import ceil
from typing import Any

import httpx
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.collector.settle import scene
from tests.support.served_ledger import served
from tests.support.writer_ledger import RUNS

from spanledger_collector.estimate import Measured, Sample, difference, mean_interval
from spanledger_collector.query import DirectReader, Estimate, Ledger
from spanledger_collector.query.payback import runs_for
from spanledger_collector.store import Store

OLD = [run for run in RUNS if run.version == "1"]
NEW = [run for run in RUNS if run.version == "2"]
CAPITAL = Decimal(30)


@pytest.fixture
def ledger(written: Store) -> Iterator[Ledger]:
    with Ledger(DirectReader(written)) as found:
        yield found


def test_an_asset_is_earned_back_by_what_its_runs_leave(ledger: Ledger) -> None:
    """30 USD of training; 18 runs of version 2 left 8.605 USD after their own cost."""
    (found,) = ledger.break_even("writer")
    left = [run.value - run.cost for run in NEW]
    assert (found.asset_ids, found.capital_usd, found.runs) == (("ft",), CAPITAL, 18)
    assert found.recovered_usd == sum(left)
    assert found.unrecovered_usd == CAPITAL - sum(left)
    mean = sum(left, Decimal(0)) / len(left)
    expected = mean_interval(Sample.of([float(value) for value in left]))
    assert expected.low is not None
    assert expected.high is not None
    runs = found.break_even_runs
    assert runs.value == ceil(CAPITAL / mean)
    assert runs.low == ceil(30 / expected.high)
    assert runs.high == ceil(30 / expected.low)
    assert found.runs_to_go.value == ceil((CAPITAL - sum(left)) / mean)


def test_assets_of_all_agents_are_all_there(ledger: Ledger) -> None:
    assert ledger.break_even() == ledger.break_even("writer")
    assert ledger.query("agent_assets", agent_name="writer") == [{"asset_id": "ft"}]
    assert ledger.query("agent_assets", agent_name="tiny") == ledger.break_even("tiny") == []


def test_a_fine_tune_pays_by_what_a_run_saves_and_by_what_it_gains(ledger: Ledger) -> None:
    (found,) = ledger.agent("writer", by="tenant").paybacks
    assert (found.old, found.new, found.capital_usd) == ("1", "2", CAPITAL)
    old, new = ([float(run.cost) for run in runs] for runs in (OLD, NEW))
    expected = difference(*(Measured(s.n, s.mean, s.variance) for s in map(Sample.of, (new, old))))
    assert float(found.saving_per_run.low or 0) == pytest.approx(expected.low, rel=1e-9)
    assert float(found.saving_per_run.high or 0) == pytest.approx(expected.high, rel=1e-9)
    saved = sum(old) / len(old) - sum(new) / len(new)
    assert found.runs_by_saving.value == ceil(30 / saved)
    lost, won = (sum(float(r.value - r.cost) for r in runs) / len(runs) for runs in (OLD, NEW))
    assert found.runs_by_gain.value == ceil(30 / (won - lost))


def test_without_a_plan_it_is_not_known(filled: Store) -> None:
    """Nobody said whose runs it serves: only its capital is known."""
    with Ledger(DirectReader(filled)) as ledger:
        (found,) = ledger.break_even()
    assert (found.is_planned, found.capital_usd) == (False, Decimal(120000))
    assert (found.recovered_usd, found.unrecovered_usd) == (None, None)
    assert found.break_even_runs.value is None
    assert found.break_even_runs.reason == "no plan says whose runs it serves"


def _tuned(trace: int, version: str, outcome: str) -> list[scene.Row]:
    where: dict[str, Any] = {"trace": trace, "at": trace * 60}
    told = {"attributes": {"spanledger.outcome": outcome}} if outcome else {}
    return [
        scene.span(1, 0, "agent", agent_name="tuned", agent_version=version, **told, **where),
        scene.call(2, 1, (100 - 10 * int(version), 0), **where),
    ]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("second", "value", "reason"),
    [
        (["success", "failure", "failure"], None, "of the runs of 2 33% succeed, 100% of those"),
        (["", "", ""], None, "outcome told of 30 of 30 runs of 1 and 0 of 30 runs of 2"),
        (["success"] * 29 + ["failure"], 10, "perhaps by chance: perhaps never"),
        (["success"], 10, ""),
    ],
)
def test_what_fails_saves_nothing(
    store: Store, second: list[str], value: int | None, reason: str
) -> None:
    """Version 2 costs 0.1 a run less for 1 paid; whether it pays hangs on how often it succeeds."""
    asset = {"spanledger.asset.id": "ft", "spanledger.asset.kind": "training"}
    cost = asset | {"spanledger.asset.entry": "cost", "spanledger.asset.amount": "1"}
    plan = asset | {
        "spanledger.asset.entry": "plan", "spanledger.asset.expected_units": "1000",
        "spanledger.asset.unit": "execution", "spanledger.asset.method": "x",
        "spanledger.asset.agent.name": "tuned", "spanledger.asset.agent.version": "2",
    }  # fmt: skip
    rows = [row for trace in range(1, 31) for row in _tuned(trace, "1", "success")]
    for trace in range(31, 61):
        rows += _tuned(trace, "2", second[trace % len(second)])
    with store.connect() as connection:
        scene.publish(connection, [scene.price("m1", input="0.01")])
        entries = [
            scene.span(n, 0, "record", trace=900 + n, lasts=0, attributes=told)
            for n, told in enumerate((cost, plan), 1)
        ]
        scene.load(connection, [*entries, *rows])
    scene.settle(store, [901, 902, *range(1, 61)])
    with Ledger(DirectReader(store)) as ledger:
        (found,) = ledger.agent("tuned").paybacks
    assert found.saving_per_run.value == Decimal("0.1")
    assert found.runs_by_saving.value == value
    assert reason in found.runs_by_saving.reason
    assert (reason == "") == (found.runs_by_saving.reason == "")
    assert (found.runs_by_saving.high is None) == bool(reason)


def _a_run(value: str, low: str | None, high: str | None) -> Estimate:
    least, most = (None if end is None else Decimal(end) for end in (low, high))
    reason = "" if low else "too few"
    return Estimate(Decimal(value), least, most, 0.95, 20, "student t", reason)


@pytest.mark.parametrize(
    ("a_run", "value", "low", "high", "reason"),
    [
        (_a_run("2", "1", "4"), "50", "25", "100", ""),
        (_a_run("2", "-1", "4"), "50", "25", None, "perhaps never"),
        (_a_run("0.333333333333", "0.3", "99"), "300", "2", "334", ""),
        (_a_run("0.999", "0.00001", "1.5"), "101", "67", "10000000", ""),
        (_a_run("-2", "-3", "4"), None, None, None, "never, as it is"),
        (_a_run("0", "-3", "4"), None, None, None, "never, as it is"),
        (_a_run("2", None, None), "50", None, None, "too few"),
    ],
)
def test_what_a_run_may_leave_says_when(
    a_run: Estimate, value: str | None, low: str | None, high: str | None, reason: str
) -> None:
    found = runs_for(Decimal(100), a_run)
    wanted = [None if end is None else Decimal(end) for end in (value, low, high)]
    assert [found.value, found.low, found.high] == wanted
    assert reason in found.reason
    assert (reason == "") == (found.reason == "")


@given(
    st.decimals("0.01", "1000000", places=2),
    st.decimals("0.01", "100", places=2),
    st.decimals("0.001", "1", places=3),
)
def test_the_ends_are_those_of_a_run_turned_around(
    capital: Decimal, mean: Decimal, part: Decimal
) -> None:
    """In order, and the more is paid the more runs it takes."""
    a_run = _a_run(str(mean), str(mean * part), str(mean * (2 - part)))
    found, twice = runs_for(capital, a_run), runs_for(2 * capital, a_run)
    assert found.low is not None
    assert found.value is not None
    assert found.high is not None
    assert found.low <= found.value <= found.high
    assert found.value * mean >= capital - Decimal("1e-3") * mean
    assert (found.value - 1) * mean < capital
    assert (twice.value or 0) >= found.value
    assert runs_for(Decimal(0), a_run).value == 0


def test_what_is_worth_less_than_its_salvage_takes_no_run_to_earn_back() -> None:
    """Written off below what its salvage was to be: nothing is to be earned, not less than that."""
    found = runs_for(Decimal(-70), _a_run("2", "1", "4"))
    assert (found.value, found.low, found.high) == (0, 0, 0)


def test_the_api_gives_the_same(written: Store, ledger: Ledger) -> None:
    with served(written) as api, httpx.Client(base_url=api.url, timeout=300) as client:
        answer = client.get("/v1/break-even", params={"agent": "writer"})
        expected = [asdict(row) for row in ledger.break_even("writer")]
        assert answer.json() == orjson.loads(orjson.dumps(expected, default="{:f}".format))
