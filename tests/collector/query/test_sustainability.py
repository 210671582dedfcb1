"""The verdict: yes and no only where the interval of the margin a run leaves 0 out."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.collector.settle import scene

from spanledger_collector.estimate import Measured, runs_to_tell
from spanledger_collector.query import DirectReader, Ledger, Slice, estimates
from spanledger_collector.query.sustainability import Told, sustainability
from spanledger_collector.store import Store
from spanledger_collector.value import ValueRule, publish


@pytest.fixture
def ledger(written: Store) -> Iterator[Ledger]:
    with Ledger(DirectReader(written)) as found:
        yield found


def _margin(mean: str, spread: float, n: int) -> estimates.Figure:
    return estimates.mean(Decimal(mean), spread**2, 0.0, n)


@pytest.mark.parametrize(
    ("mean", "n", "answer", "told"),
    [
        ("0.5", 100, "yes", "margin a run $0.302 to $0.698 (95% interval, 100 runs) is above 0"),
        ("-0.5", 100, "no", "margin a run -$0.698 to -$0.302 (95% interval, 100 runs) is below 0"),
        ("0.1", 100, "too few data", "-$0.0984 to $0.298 (95% interval, 100 runs) holds 0; 785"),
        ("0.5", 9, "too few data", "9 of at least 10 runs: too few to tell a spread"),
        ("0", 100, "too few data", "-$0.198 to $0.198 (95% interval, 100 runs) holds 0"),
    ],
)  # fmt: skip
def test_it_is_said_only_where_the_interval_says_it(
    mean: str, n: int, answer: str, told: str
) -> None:
    verdict = sustainability(_margin(mean, 1.0, n), Told(n, n))
    assert verdict.sustainable == answer
    assert told in verdict.reason
    assert (verdict.runs_needed is not None) == ("would tell" in verdict.reason)


@given(
    mean=st.decimals("-3", "3", places=3), spread=st.floats(0, 5), n=st.integers(0, 400),
)  # fmt: skip
def test_it_never_says_more_than_the_interval(mean: Decimal, spread: float, n: int) -> None:
    margin = _margin(str(mean), spread, n)
    verdict = sustainability(margin, Told(max(n, 1), max(n, 1), uncosted_runs=0 if n else 1))
    if margin.estimate.interval.excludes(0):
        assert verdict.sustainable == ("yes" if mean > 0 else "no")
    else:
        assert verdict.sustainable == "too few data"
        assert verdict.reason


@pytest.mark.parametrize(
    ("gaps", "margin_usd", "answer", "reason", "why"),
    [
        (
            (100, 0),
            "50",
            "too few data",
            "the cost of 100 of 200 runs is not wholly known; of",
            "costs unknown",
        ),
        (
            (100, 0),
            "-30.1",
            "no",
            "the margin of all 200 runs is at most -$0.100; the cost of 100",
            "margin below",
        ),
        ((100, 0), "-29.9", "too few data", "the cost of 100 of 200", "costs unknown"),
        ((100, 0), None, "too few data", "the cost of 100 of 200", "costs unknown"),
        (
            (0, 7),
            "-90",
            "too few data",
            "7 amounts are in a currency without a rate: add it",
            "rates unknown",
        ),
        (
            (9, 7),
            "-90",
            "too few data",
            "the cost of 9 of 200 runs is not wholly known; 7 am",
            "costs unknown",
        ),
    ],
)
def test_gaps_fall_on_dear_runs(
    gaps: tuple[int, int], margin_usd: str | None, answer: str, reason: str, why: str
) -> None:
    """What is known of a cost is the least it was: a loss by that much is one, a gain is none."""
    known = None if margin_usd is None else Decimal(margin_usd)
    told = Told(200, 200, Decimal(30), Decimal(0), 200, 0, *gaps, known)
    verdict = sustainability(_margin("0.5", 1.0, 100), told)
    assert (verdict.sustainable, verdict.runs_needed) == (answer, None)
    assert verdict.reason.startswith(reason)
    assert verdict.reason.endswith(
        "of the other 100 runs: margin a run $0.302 to $0.698 (95% interval, 100 runs)"
    )
    assert verdict.why.startswith(why)
    assert verdict.why.endswith("100 of 200 runs left out")


@pytest.mark.parametrize(
    ("mean", "cheaper", "dearer", "answer", "told"),
    [
        ("0.5", 0, 31, "too few data", "$0.302 to $0.698 (95% interval, 100 runs), -$0.00842 to"),
        ("0.5", 900, 30, "yes", "$0.00158 to $9.70 at worst by what is estimated, is above 0"),
        ("-0.5", 31, 0, "too few data", "to $0.00842 at worst by what is estimated, holds 0"),
        ("-0.5", 30, 900, "no", "-$9.70 to -$0.00158 at worst by what is estimated, is below"),
    ],
)
def test_what_is_estimated_could_turn_it(
    mean: str, cheaper: int, dearer: int, answer: str, told: str
) -> None:
    """More runs would not tell: the ends of an estimate do not draw near with them."""
    ends = Decimal(cheaper), Decimal(dearer)
    verdict = sustainability(_margin(mean, 1.0, 100), Told(100, 100, *ends))
    assert (verdict.sustainable, verdict.runs_needed) == (answer, None)
    assert told in verdict.reason
    assert (verdict.why == "estimates could turn it") == (answer == "too few data")


def test_without_any_value_no_number_of_runs_tells() -> None:
    one = sustainability(estimates.unknown("no run has a value"), Told(1, 0))
    assert one.reason.startswith("its one run has no value: record_revenue")
    verdict = sustainability(estimates.unknown("no run has a value"), Told(10_000, 0))
    assert (verdict.sustainable, verdict.runs_needed) == ("no value told", None)
    assert "value rule" in verdict.reason
    some = sustainability(_margin("0.5", 1.0, 100), Told(100, 60))
    assert some.sustainable == "yes"
    assert some.reason.endswith("40 of 100 runs have no value told, counted as 0")
    assert some.why == "margin above 0; 40 of 100 without a value"


def test_with_the_runs_it_asks_for_the_mean_is_told_from_0() -> None:
    """(1.96 + 0.84) standard errors off: power 80 %."""
    assert runs_to_tell(Measured(20, 0.1, 1.0)) == 785
    assert runs_to_tell(Measured(20, 100.0, 1.0)) == 10
    assert runs_to_tell(Measured(20, 0.0, 1.0)) is None


def test_the_list_of_agents_says_what_each_agent_says(ledger: Ledger) -> None:
    """The same figures, intervals and verdict as its own report by version."""
    rows = ledger.agents()
    assert {(row.agent_name, row.agent_version) for row in rows} >= {("writer", "1"), ("tiny", "1")}
    for row in rows:
        groups = {group.key: group for group in ledger.agent(row.agent_name).groups}
        group = groups[row.agent_version]
        for name in ("inclusive_cost_per_success", "rework_share", "rework_multiplier",
                     "inclusive_margin_per_run", "verdict"):  # fmt: skip
            assert getattr(row, name) == getattr(group, name), (row.agent_name, name)
    writer = next(row for row in rows if row.agent_version == "2")
    assert writer.verdict.sustainable == "too few data"
    assert "holds 0" in writer.verdict.reason
    assert writer.inclusive_cost_per_success.low is not None
    (tiny,) = (row for row in rows if row.agent_name == "tiny")
    assert tiny.verdict.sustainable == "no value told"
    assert tiny.verdict.reason.startswith("none of 3 runs has a value: record_revenue")
    assert "7 of 18 runs have no value told, counted as 0" in writer.verdict.reason


def test_a_multiplier_turns_the_ends_of_the_share(ledger: Ledger) -> None:
    total = ledger.agent("writer").total
    share, multiplier = total.rework_share, total.rework_multiplier
    for name in ("value", "low", "high"):
        end = getattr(share, name)
        assert getattr(multiplier, name) == pytest.approx(1 / (1 - end), rel=Decimal("1e-11"))
    everything = estimates.multiplier(None, estimates.share(10, 10).estimate)
    assert everything.low is not None
    assert everything.high is None
    assert everything.reason == "all of the work may have been wasted"


def test_sub_agents_are_in_the_verdict(filled: Store) -> None:
    """Where an agent hands work on, the row of the list and its report still agree."""
    with Ledger(DirectReader(filled)) as ledger:
        for row in ledger.agents():
            if not row.agent_name:
                continue
            groups = {group.key: group for group in ledger.agent(row.agent_name).groups}
            assert row.verdict == groups[row.agent_version].verdict


#: Agent -> what it earns (by a rule, else recorded where it succeeds), runs, failures, the verdict.
_EARNERS: dict[str, tuple[str, int, int, str]] = {
    "recorded": ("", 12, 0, "too few data"),
    "by-success": ("success", 12, 0, "too few data"),
    "in-time": ("run, in time", 12, 0, "too few data"),
    "every-run": ("run", 12, 0, "yes"),
    "every-run-failed": ("run", 12, 11, "yes"),
    "once-failed": ("", 12, 1, "too few data"),
    "told": ("", 60, 6, "yes"),
}


def _earner(agent: str, number: int, trace: int) -> list[scene.Row]:
    """A run that costs $1.4 and a little, and is worth $2."""
    paid, _, failures, _ = _EARNERS[agent]
    attributes = {"spanledger.outcome": "failure" if number < failures else "success"}
    if not paid and number >= failures:
        attributes["spanledger.revenue.amount"] = "2"
    tokens = 1400 + number % 4 * 5
    return [
        scene.span(
            1, 0, "agent", trace=trace, agent_name=agent, at=trace * 60, attributes=attributes
        ),
        scene.call(2, 1, (tokens, 0), trace=trace, at=trace * 60),
    ]


def _least_assets() -> list[scene.Row]:
    """An asset for each agent that costs next to nothing: its runs have contributions."""
    told: list[dict[str, str]] = []
    for agent in _EARNERS:
        plan = {"entry": "plan", "unit": "execution", "expected_units": "1000"}
        told += [
            {"id": agent, "entry": "cost", "kind": "training", "amount": "0.000000001"},
            {"id": agent, **plan, "agent.name": agent},
        ]
    return [
        scene.span(
            place, role="record", trace=900, lasts=0, received_at=scene.moment(scene.START),
            attributes={f"spanledger.asset.{key}": value for key, value in one.items()},
        )
        for place, one in enumerate(told, 1)
    ]  # fmt: skip


@pytest.mark.slow
def test_a_failure_not_seen_yet_is_no_certainty(store: Store) -> None:
    """Of 12 runs that all earned $2 as few as 76 % may: $1.52 a run, and a run costs $1.41."""
    rules = [
        {"per": "success", "amount": "2", "agent": "by-success"},
        {"per": "run", "amount": "2", "agent": "in-time", "decay": {"zero_after_seconds": "60"}},
        {"per": "run", "amount": "2", "agent": "every-run"},
        {"per": "run", "amount": "2", "agent": "every-run-failed"},
    ]
    runs = [(agent, number) for agent, told in _EARNERS.items() for number in range(told[1])]
    with store.connect() as connection:
        scene.publish(connection, [scene.price(input="0.001")])
        publish(
            connection,
            [ValueRule.model_validate({**one, "valid_from": "2026-01-01"}) for one in rules],
        )
        scene.load(connection, _least_assets())
        scene.settle(store, [900])
        rows = [_earner(*run, trace) for trace, run in enumerate(runs, 1)]
        scene.load(connection, [row for run in rows for row in run])
    scene.settle(store, range(1, len(runs) + 1))
    with Ledger(DirectReader(store)) as ledger:
        told = {row.agent_name: row for row in ledger.agents()}
        for agent, (_, count, failures, answer) in _EARNERS.items():
            group = ledger.agent(agent).total
            assert group.verdict.sustainable == answer, agent
            assert told[agent].verdict == group.verdict
            assert told[agent].inclusive_margin_per_run == group.inclusive_margin_per_run
            (whole,) = ledger.sums_by("total", Slice(agent_name=agent))
            assert whole.verdict.sustainable == answer, agent
            assert whole.margin_per_trace.low == group.margin_per_run.low
            if answer == "too few data":
                seen = f"{count - failures} of 12 runs earned something: as few as"
                assert seen in group.verdict.reason
                assert "traces earned something" in whole.verdict.reason
                assert group.value_per_run.method == "mean and wilson"
            # What it left stands on the frontier and under the break-even of its asset likewise.
            (point,) = ledger.frontier(agent)
            assert point.inclusive_margin_per_run == group.inclusive_margin_per_run
            (earned,) = ledger.break_even(agent)
            left, same = earned.contribution_per_run, group.contribution_per_run
            assert (left.value, left.method) == (same.value, same.method)
            for end, other in ((left.low, same.low), (left.high, same.high)):
                assert (end is None) == (other is None)
                assert float(end or 0) == pytest.approx(float(other or 0), rel=1e-9)
        recorded = ledger.agent("recorded").total.value_per_run
        assert recorded.low is not None
        # Wilson at half the doubt: 12 / (12 + 2.2414^2) of $2.
        assert float(recorded.low) == pytest.approx(2 * 12 / (12 + 2.2414027**2), rel=1e-6)
        assert recorded.high == 2


@pytest.mark.slow
def test_shares_of_an_asset_could_turn_it(store: Store) -> None:
    """1,200 over 120 runs, 20 to 240 by the plan: of $24 a run 5 to 60 are the asset's.

    The top hands on what carries the asset; usage below costs 0.05 to 0.3.
    """
    ends = {"expected_units": "120", "expected_units.low": "20", "expected_units.high": "240"}
    plan = {"entry": "plan", "unit": "execution", "agent.name": "helper", **ends}
    cost = {"entry": "cost", "kind": "training", "amount": "1200"}
    told = [
        scene.span(
            place, role="record", trace=900, lasts=0, received_at=scene.moment(scene.START),
            attributes={f"spanledger.asset.{k}": v for k, v in {"id": "ft", **entry}.items()},
        )
        for place, entry in enumerate((cost, plan), 1)
    ]  # fmt: skip
    with store.connect() as connection:
        scene.publish(connection, [scene.price(input="0.001")])
        scene.load(connection, told)
        scene.settle(store, [900])
        scene.load(connection, [row for number in range(12) for row in _handed_on(number)])
    scene.settle(store, range(1, 13))
    with Ledger(DirectReader(store)) as ledger:
        (share,) = ledger.asset_shares()
        assert (share.per_run_low_usd, share.per_run_high_usd) == (5, 60)
        rows = {row.agent_name: row.verdict for row in ledger.agents()}
        assert rows["top"] == ledger.agent("top").total.verdict
        assert rows["top"].sustainable == "too few data"
        assert rows["top"].why == "estimates could turn it"
        assert "$6.18 to $14.5 (95% interval, 12 runs), -$44.0 to $19.6 at" in rows["top"].reason
        assert rows["helper"].sustainable == "no value told"


def _handed_on(number: int) -> list[scene.Row]:
    worth = {"spanledger.revenue.amount": str(24 + number % 3 - 1)}
    where = {"trace": number + 1, "at": 60 * (number + 1)}
    usage = {"input_tokens_low": 50, "input_tokens_high": 300}
    return [
        scene.span(1, 0, "agent", agent_name="top", agent_version="1", attributes=worth, **where),
        scene.span(2, 1, "agent", agent_name="helper", agent_version="1", **where),
        scene.call(3, 2, (100, 0), usage_source="estimated", **usage, **where),
    ]
