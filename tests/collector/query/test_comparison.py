"""Two versions: a verdict where the data carry one, and an honest answer where they do not."""

from __future__ import annotations

import io
import random
from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import httpx
import orjson
import pytest
from rich.console import Console
from tests.collector.settle import scene
from tests.collector.settle.scene import START
from tests.support.served_ledger import served
from tests.support.writer_ledger import RUNS

from spanledger_collector.cli import agent as agent_verb
from spanledger_collector.cli import compare as compare_verb
from spanledger_collector.estimate import Joint, Measured, difference, ratio_variance
from spanledger_collector.query import (
    AgentReport,
    Compared,
    ComparisonReport,
    DirectReader,
    Ledger,
    economics,
    estimates,
)
from spanledger_collector.query.comparison import WORDS, Side, comparison
from spanledger_collector.query.mix import MixRow, mixes
from spanledger_collector.store import Store
from spanledger_collector.value import ValueRule, publish


@pytest.fixture
def ledger(written: Store) -> Iterator[Ledger]:
    with Ledger(DirectReader(written)) as found:
        yield found


def _by_name(report: ComparisonReport) -> dict[str, Compared]:
    return {figure.name: figure for figure in report.figures}


def _per_success(version: str) -> Measured:
    runs = [run for run in RUNS if run.version == version]
    joint = Joint.of([float(run.total) for run in runs], [float(run.succeeded) for run in runs])
    return Measured(len(runs), joint.over_mean / joint.under_mean, ratio_variance(joint))


def test_the_new_version_is_cheaper_per_success(ledger: Ledger) -> None:
    """Half the price a token, and the training it carries: that of the runs themselves."""
    report = ledger.compare("writer", "1", "2")
    first = report.figures[0]
    expected = difference(_per_success("1"), _per_success("2"))
    assert (first.name, first.verdict) == ("inclusive_cost_per_success", "cheaper")
    own = _by_name(report)["cost_per_success"]
    assert (own.old, own.new, own.difference) == (first.old, first.new, first.difference)
    assert (first.more_runs_old, first.more_runs_new) == (None, None)
    assert first.difference.low is not None
    assert first.difference.high is not None
    ends = (float(first.difference.low), float(first.difference.high))
    assert ends == pytest.approx((expected.low, expected.high), rel=1e-9)
    assert (report.runs_old, report.runs_new) == (30, 18)
    assert _by_name(report)["total_cost_per_run"].verdict == "cheaper"
    assert any("by model: m1 is 100% of the old and 0% of the new" in c for c in report.caveats)


@pytest.mark.parametrize("part", [{}, {"tenant": "acme"}, {"agent_version": "2"}])
def test_models_say_what_else_their_runs_are_of(ledger: Ledger, part: dict[str, str]) -> None:
    """The statistics of a model have what ``agent_mix`` says of it; those of no other group do."""
    found = economics.groups(ledger.query, "writer", part, "model_and_total")
    told = {group.key: group.mix.shares() for group in found if group.kind == "model"}
    assert told == mixes(ledger.query, "writer", part, "model")
    assert told["m2"]["version"] == {"2": 1.0}
    (total,) = (group for group in found if group.kind == "total")
    assert total.mix == MixRow({}, {})
    if not part:
        caveats = ledger.compare("writer", "m1", "m2", by="model").caveats
        assert any("by version: 1 is 100% of the old and 0% of the new" in one for one in caveats)


def test_the_other_way_round_it_is_dearer(ledger: Ledger) -> None:
    there, back = (
        ledger.compare("writer", "1", "2").figures[0],
        ledger.compare("writer", "2", "1").figures[0],
    )
    assert back.verdict == "dearer"
    assert there.difference.value is not None
    assert back.difference.value == -there.difference.value


def test_a_difference_that_48_runs_do_not_show_is_not_claimed(ledger: Ledger) -> None:
    """56.7 % against 61.1 % of successes is nothing yet, and it says what would be needed."""
    success = _by_name(ledger.compare("writer", "1", "2"))["success_rate"]
    assert success.verdict == "too few data"
    # Both shares and (1.960 + 0.842)^2 x (0.2456 + 0.2377) / 0.0444^2 = 1921 runs a side.
    assert (success.more_runs_old, success.more_runs_new) == (1891, 1903)


def test_three_runs_are_no_verdict(ledger: Ledger, written: Store) -> None:
    """Periods with 3 and with 45 runs: every figure says so, none is claimed."""
    start = START + timedelta(minutes=100)
    cut, end = start + timedelta(minutes=3), start + timedelta(days=1)
    report = ledger.compare_periods("writer", (start, cut), (cut, end))
    assert (report.runs_old, report.runs_new) == (3, 45)
    assert {figure.verdict for figure in report.figures} == {"too few data"}
    assert all("too few" in figure.difference.reason for figure in report.figures[:2])
    assert report.figures[0].difference.low is None


def _side(runs: int, cost: str) -> Side:
    """A side whose every cost is this mean with a spread of a tenth of it."""
    mean = Decimal(cost)
    figure = estimates.mean(mean, float(mean / 10) ** 2, 0.0, runs, floor=0)
    names = [name for name in WORDS if name != "success_rate"]
    group = economics.Group(
        "x", _SUMS,
        {**dict.fromkeys(names, figure), "success_rate": estimates.share(runs // 2, runs)},
        MixRow({}, {}),
    )  # fmt: skip
    return Side("x", group, {})


def _nothing() -> economics.AgentSums:
    fields = economics.AgentSums.__dataclass_fields__
    known: dict[str, Any] = {"Decimal": Decimal(0), "Decimal | None": None}
    return economics.AgentSums(
        **{name: known.get(str(field.type), 0) for name, field in fields.items()}
    )


_SUMS = _nothing()


@pytest.mark.parametrize(
    ("runs", "new", "matters", "verdict"),
    [
        (9, "2", 0.1, "too few data"),
        (1000, "1.001", 0.1, "no difference shown"),
        (1000, "1.001", 0.001, "too few data"),
        (1000, "1.2", 0.1, "dearer"),
        # Shown, small as it is: the verdict is about what is there, the reader about what matters.
        (1000, "0.98", 0.1, "cheaper"),
    ],
)
def test_no_difference_is_said_only_where_one_that_matters_is_ruled_out(
    runs: int, new: str, matters: float, verdict: str
) -> None:
    report = comparison("a", "version", _side(runs, "1"), _side(runs, new), matters=matters)
    assert report.figures[0].verdict == verdict


def _of_cost(runs: int, successes: int) -> Side:
    """A side whose runs cost 1 each, with a spread of a tenth."""
    side = _side(runs, "1")
    value = Decimal(runs) / successes if successes else None
    joint = Joint(runs, 1.0, successes / runs, 0.01, 0.25, 0.0)
    figure = estimates.per_success(value, joint, successes)
    told = {name: figure for name in side.group.figures if name.endswith("cost_per_success")}
    told["success_rate"] = estimates.share(successes, runs)
    figures = {**side.group.figures, **told}
    return replace(side, name=f"{successes} of {runs}", group=replace(side.group, figures=figures))


def test_a_side_without_a_success_is_an_answer() -> None:
    """30 of 30 against 0 of 30: it costs more, by at least so much, and nobody knows how much."""
    report = comparison("a", "version", _of_cost(30, 30), _of_cost(30, 0), matters=0.1)
    first = report.figures[0]
    assert first.verdict == "dearer"
    assert first.new.value is None
    assert first.new.low is not None
    assert first.new.low > 6
    assert (first.new.high, first.difference.high, first.difference.value) == (None, None, None)
    assert first.difference.low is not None
    assert first.difference.low > 5
    told = "0 of 30: no success in 30 runs: at most 14.3% of such runs succeed"
    assert first.difference.reason == told
    assert _by_name(report)["success_rate"].verdict == "lower"
    back = comparison("a", "version", _of_cost(30, 0), _of_cost(30, 30), matters=0.1).figures[0]
    assert (back.verdict, back.difference.reason) == ("cheaper", told)
    out = Console(file=io.StringIO(), width=200, record=True)
    compare_verb.show(report, out)
    answer = out.export_text()
    assert "cheaper per success than 30 of 30 (0 runs)?  dearer, by $5." in answer
    assert f"or more a success: {told}" in " ".join(answer.split())


@pytest.mark.parametrize(
    ("old", "new", "verdict"),
    [
        ((30, 28), (30, 3), "dearer"),
        ((30, 6), (30, 3), "too few data"),
        ((30, 0), (30, 0), "too few data"),
        ((30, 3), (30, 0), "too few data"),
        ((9, 9), (30, 0), "too few data"),
        ((30, 30), (9, 0), "too few data"),
    ],
)
def test_few_successes_are_an_answer_where_they_carry_one(
    old: tuple[int, int], new: tuple[int, int], verdict: str
) -> None:
    first = comparison("a", "version", _of_cost(*old), _of_cost(*new), matters=0.1).figures[0]
    assert first.verdict == verdict


def _drawn(rng: random.Random, runs: int, success: float) -> Side:
    """A side that costs 1 a success, with a spread of a twentieth, and succeeds so often."""
    side = _side(runs, "1")
    costs = [rng.gauss(success, success / 20) for _ in range(runs)]
    won = [float(rng.random() < success) for _ in costs]
    successes = int(sum(won))
    value = Decimal(repr(sum(costs) / successes)) if successes else None
    figure = estimates.per_success(value, Joint.of(costs, won), successes)
    figures = {**side.group.figures, "inclusive_cost_per_success": figure}
    return replace(side, group=replace(side.group, figures=figures))


@pytest.mark.parametrize(("old", "new"), [(0.88, 0.98), (0.855, 0.95), (0.9, 0.9)])
def test_of_two_alike_none_is_called_cheaper_where_few_fail(old: float, new: float) -> None:
    """A success costs the same of both; one of them was hardly seen to fail."""
    rng = random.Random(33)  # noqa: S311 - a simulation, the same each time
    for runs in (12, 20, 30):
        verdicts = [
            comparison("a", "version", _drawn(rng, runs, old), _drawn(rng, runs, new), matters=0.1)
            .figures[0]
            .verdict
            for _ in range(200)
        ]
        assert sum(verdict in ("cheaper", "dearer") for verdict in verdicts) <= 10, runs


def test_where_none_fails_a_difference_is_told_by_the_ends() -> None:
    """So is the ratio; with 1,000 runs on each side that none failed of is nearly certain."""
    (few, many) = (
        comparison("a", "version", _of_cost(n, n), _of_cost(n, n), matters=0.1).figures[0]
        for n in (30, 1000)
    )
    assert (few.verdict, many.verdict) == ("too few data", "no difference shown")
    assert (few.difference.method, few.ratio.method) == ("ends of both", "ends of both")
    assert few.difference.low is not None
    assert few.ratio.low is not None
    assert (few.more_runs_old, few.ratio.value) == (None, 1)
    assert few.difference.low < -Decimal("0.1")
    assert few.ratio.low < Decimal("0.9")


def test_unknown_costs_are_no_verdict() -> None:
    """The 40 runs that happen to be known cost 0.5, all of the others 1: the ten may cost 4."""
    old, new = _side(50, "1"), _side(40, "0.5")
    sums = replace(
        _SUMS, runs=50, inclusive_costed_runs=40, inclusive_uncosted_runs=10, uncosted_runs=10,
        inclusive_cost_usd=Decimal(20), inclusive_estimated_cost_usd=Decimal(5),
    )  # fmt: skip
    new = replace(new, group=replace(new.group, sums=sums))
    report = comparison("a", "version", old, new, matters=0.1)
    first = report.figures[0]
    assert first.verdict == "too few data"
    assert first.difference.reason == "x: the cost of 10 of 50 runs is not wholly known"
    known = "the cost of 10 of 50 runs, or of a run below them, is not wholly known"
    assert known in report.caveats[0]
    assert "25.0% of the variable cost rests on estimated usage" in report.caveats[1]


@pytest.mark.parametrize(
    ("cost", "known_usd", "verdict", "back"),
    [
        # Nothing is known of the other ten, and 1.28 a run are dearer than 1 for all that.
        ("1.6", "64", "dearer", "cheaper"),
        # 1.2 a run are not: one of five runs has gaps, perhaps one of four.
        ("1.5", "60", "too few data", "too few data"),
        # The other ten cost as much as is known of them, and more.
        ("1.5", "75", "dearer", "cheaper"),
        ("1.05", "52.5", "too few data", "too few data"),
        ("0.5", "520", "dearer", "cheaper"),
    ],
)
def test_what_is_known_alone_may_decide(cost: str, known_usd: str, verdict: str, back: str) -> None:
    """Of 50 runs the cost of 40 is known wholly, and of all so much; the others cost 1."""
    old, new = _side(50, "1"), _side(40, cost)
    known = Decimal(known_usd)
    sums = replace(
        _SUMS, runs=50, successful_runs=50, inclusive_costed_runs=40, inclusive_uncosted_runs=10,
        inclusive_cost_usd=known, inclusive_total_cost_usd=known,
    )  # fmt: skip
    new = replace(new, group=replace(new.group, sums=sums))
    name = "inclusive_total_cost_per_run"
    there, here = (
        _by_name(comparison("a", "version", *sides, matters=0.1))[name]
        for sides in ((old, new), (new, old))
    )
    assert (there.verdict, here.verdict) == (verdict, back)
    assert there.difference.high is None


def test_work_that_moved_to_sub_agents_is_a_caveat() -> None:
    """Of its own work a version that delegates looks cheaper: the helper's cost is the helper's."""

    def spends(side: Side, own: str, with_sub_agents: str) -> Side:
        sums = replace(
            _SUMS, runs=50, inclusive_costed_runs=50, total_cost_usd=Decimal(own),
            inclusive_total_cost_usd=Decimal(with_sub_agents),
        )  # fmt: skip
        return replace(side, group=replace(side.group, sums=sums))

    alone, delegates = spends(_side(50, "2"), "4", "4"), spends(_side(50, "1"), "1", "4")
    (caveat,) = comparison("a", "version", alone, delegates, matters=0.1).caveats
    assert "sub-agents carry 0% of what the old spends and 75% of what the new spends" in caveat
    assert not comparison("a", "version", delegates, delegates, matters=0.1).caveats


def test_the_api_gives_the_same(written: Store, ledger: Ledger) -> None:
    with served(written) as api, httpx.Client(base_url=api.url, timeout=300) as client:
        where = "/v1/agents/writer/comparison"
        answer = client.get(where, params={"old": "1", "new": "2", "matters": "0.2"})
        expected = asdict(ledger.compare("writer", "1", "2", matters=0.2))
        assert answer.json() == orjson.loads(orjson.dumps(expected, default="{:f}".format))
        assert client.get(where, params={"old": "1", "new": "9"}).status_code == 404
        refused = client.get(where, params={"old": "1", "new": "2", "matters": "much"})
        assert refused.status_code == 400


def test_periods_are_the_runs_that_started_in_them(ledger: Ledger) -> None:
    """Together they are all runs."""
    start = datetime(2026, 11, 2, tzinfo=timezone.utc)
    cut, end = START + timedelta(minutes=120), start + timedelta(days=1)
    report = ledger.compare_periods("writer", (start, cut), (cut, end))
    whole: AgentReport = ledger.agent("writer")
    assert report.runs_old + report.runs_new == whole.total.sums.runs
    assert report.runs_old == sum(run.trace < 120 for run in RUNS)
    assert (report.old, report.new) == (
        "2026-11-02/2026-11-02T12:00",
        "2026-11-02T12:00/2026-11-03",
    )


def _told_of_one_version() -> list[scene.Row]:
    """60 runs of version 1, all told, 36 a success; 40 of version 2, of which nobody told yet."""
    rows: list[scene.Row] = []
    for trace in range(1, 101):
        version = "1" if trace <= 60 else "2"
        outcome = "success" if trace % 5 < 3 else "failure"
        told = {"attributes": {"spanledger.outcome": outcome}} if version == "1" else {}
        where: dict[str, Any] = {"trace": trace, "at": trace * 20}
        rows += [
            scene.span(1, 0, "agent", agent_name="late", agent_version=version, **told, **where),
            scene.call(2, 1, (1000 + trace % 9, 0), **where),
        ]
    return rows


@pytest.mark.slow
def test_outcomes_that_have_not_come_are_no_success(store: Store) -> None:
    """Nobody told of version 2: that it never failed is no news, nor what it earns by a rule."""
    paid = {"per": "success", "amount": "0.03", "valid_from": "2026-01-01", "agent": "late"}
    rule = ValueRule.model_validate(paid)
    with store.connect() as connection:
        scene.publish(connection, [scene.price("m1", input="0.00001")])
        publish(connection, [rule])
        scene.load(connection, _told_of_one_version())
    scene.settle(store, range(1, 101))
    with Ledger(DirectReader(store)) as ledger:
        report, agent = ledger.compare("late", "1", "2"), ledger.agent("late")
        told = {row.agent_version: row for row in ledger.agents()}
    figures = _by_name(report)
    for name in ("inclusive_cost_per_success", "success_rate", "inclusive_margin_per_run"):
        assert (figures[name].verdict, figures[name].difference.low) == ("too few data", None)
        assert (figures[name].more_runs_old, figures[name].more_runs_new) == (None, None)
    assert "outcome told of 60 of 60 runs of 1 and 0 of 40 runs of 2" in report.caveats[0]
    assert figures["success_rate"].difference.reason == report.caveats[0]
    assert not figures["inclusive_total_cost_per_run"].difference.reason
    out = Console(file=io.StringIO(), width=400, record=True)
    compare_verb.show(report, out)
    agent_verb.show(agent, out)
    shown = out.export_text()
    assert "?  too few data: outcome told of 60 of 60 runs of 1" in shown
    assert "76 successful (outcome told of 60 of 100 runs)" in shown
    sums = agent.total.sums
    assert (sums.judged_runs, sums.assumed_successes, sums.assumed_valued_runs) == (60, 40, 40)
    reason = "outcome told of 60 of 100 runs: 40 are worth a success that nobody told"
    assert reason in agent.total.verdict.reason
    assert [told[version].judged_runs for version in "12"] == [60, 0]
    assert "outcome told" not in told["1"].verdict.reason
    assert "outcome told of 0 of 40 runs" in told["2"].verdict.why
