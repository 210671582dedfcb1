"""Assets that serve the same runs: what those earn is divided among them, never counted twice."""

from __future__ import annotations

import random
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests.collector.settle import scene

from spanledger_collector.estimate import (
    Joint,
    Sample,
    Stake,
    Traces,
    ratio_variance,
    stake_interval,
)
from spanledger_collector.query import BreakEven, DirectReader, Ledger
from spanledger_collector.store import Store
from spanledger_collector.value import ValueRule, publish

#: Name of the workspace of each test, and of each example of the property: its ledger.
_EXAMPLES = iter(range(1, 1000))


@pytest.fixture(scope="module", name="books")
def _books(module_store: Store) -> Store:
    with module_store.connect() as connection:
        scene.publish(connection, [scene.price(input="0.01")])
    return module_store


def _entry(asset: str, **told: str) -> dict[str, str]:
    return {
        f"spanledger.asset.{name.replace('__', '.')}": value
        for name, value in {"id": asset, **told}.items()
    }


def _asset(
    workspace: str, number: int, usd: str, agent: str = "", version: str = "", *, plan: bool = True
) -> list[scene.Row]:
    """Capital, and (unless nobody planned it) whose runs it serves; before all runs."""
    told = [_entry(f"asset{number}", entry="cost", kind="training", amount=usd)]
    if plan:
        scope = {"agent__name": agent, "agent__version": version}
        told.append(
            _entry(f"asset{number}", entry="plan", unit="execution", expected_units="9", **scope)
        )
    return [
        scene.span(
            place, role="record", trace=9_000 + number, lasts=0, attributes=attributes,
            workspace=workspace, received_at=scene.moment(scene.START),
        )
        for place, attributes in enumerate(told, 1)
    ]  # fmt: skip


def _run(
    workspace: str, trace: int, place: int, agent: str, tokens: int, **given: str | int
) -> list[scene.Row]:
    """An agent's run with one call, inside another where ``parent`` says so; what it earned."""
    earned = given.pop("earned", "")
    parent = int(given.pop("parent", 0))
    attributes = {"spanledger.revenue.amount": str(earned)} if earned != "" else {}
    received_at = scene.moment(scene.START + timedelta(hours=1))
    where = {"trace": trace, "workspace": workspace, "received_at": received_at}
    root = scene.span(
        place, parent, "agent", agent_name=agent, attributes=attributes, **given, **where
    )
    return [root, scene.call(place + 50, place, (tokens, 0), **where)]


def _break_even(books: Store, workspace: str, rows: list[scene.Row]) -> dict[str, BreakEven]:
    """Settle the assets, then the runs; the answers by scope."""
    with books.connect() as connection:
        scene.load(connection, rows)
    traces = sorted({int(row["trace_id"], 16) for row in rows})
    scene.settle(books, [number for number in traces if number > 9_000], workspace)
    scene.settle(books, [number for number in traces if number < 9_000], workspace)
    with Ledger(DirectReader(books), workspace=workspace) as ledger:
        found = ledger.break_even()
    return {
        f"{one.agent_name} {one.agent_version}".strip() if one.is_planned else "-": one
        for one in found
    }


def test_an_asset_worth_less_than_its_salvage_has_nothing_to_recover(books: Store) -> None:
    """30 USD with a salvage of 50 is not 20 less that the other asset has to earn."""
    low = _asset("w0", 1, "30", "writer")
    low[1]["attributes"]["spanledger.asset.salvage"] = "50"
    rows = [*low, *_asset("w0", 2, "10", "writer"), *_run("w0", 1, 1, "writer", 100, earned="5")]
    found = _break_even(books, "w0", rows)["writer"]
    assert (found.capital_usd, found.unrecovered_usd) == (Decimal(10), Decimal(6))


@pytest.mark.slow
def test_what_a_run_earns_is_divided_by_capital(books: Store) -> None:
    """30 USD for one agent, 10 for all: three quarters of what its runs earn, and one."""
    rows = [
        *_asset("w1", 1, "30", "writer"),
        *_asset("w1", 2, "10"),
        *_run("w1", 1, 1, "writer", 100, earned="5"),  # 4 beyond its cost
        *_run("w1", 2, 1, "other", 100, earned="3"),  # 2
    ]
    found = _break_even(books, "w1", rows)
    assert (found["writer"].recovered_usd, found["writer"].runs) == (Decimal(3), 1)
    assert (found[""].recovered_usd, found[""].runs) == (Decimal(3), 2)
    assert found["writer"].break_even_runs.value == 10


@pytest.mark.slow
def test_an_asset_that_nobody_planned_serves_no_run_that_is_known(books: Store) -> None:
    """It stands apart, and takes nothing of what the runs of others earn."""
    rows = [
        *_asset("w2", 1, "30", "writer"),
        *_asset("w2", 2, "10", plan=False),
        *_run("w2", 1, 1, "writer", 100, earned="5"),
    ]
    found = _break_even(books, "w2", rows)
    assert found["writer"].recovered_usd == Decimal(4)
    unplanned = found["-"]
    assert (unplanned.asset_ids, unplanned.capital_usd) == (("asset2",), Decimal(10))
    assert (unplanned.runs, unplanned.recovered_usd) == (0, None)
    assert unplanned.break_even_runs.reason == "no plan says whose runs it serves"


def test_without_a_value_it_is_not_known(books: Store) -> None:
    found = _break_even(books, "w6", [*_asset("w6", 1, "30"), *_run("w6", 1, 1, "writer", 100)])
    assert (found[""].runs, found[""].recovered_usd, found[""].unrecovered_usd) == (1, None, None)
    assert found[""].break_even_runs.reason == "no run has a value"


@pytest.mark.slow
def test_runs_that_call_each_other_in_a_circle_are_one_run(books: Store) -> None:
    """Bad data: alone, beside a run of their own trace, and where the top is of another agent."""
    rows = [
        *_asset("w20", 1, "10"), *_asset("w20", 2, "10", "z"),
        *_run("w20", 1, 1, "writer", 100, earned="5"),
        *_run("w20", 2, 1, "a", 50, parent=2, earned="3"), *_run("w20", 2, 2, "b", 50, parent=1),
        *_run("w20", 3, 1, "c", 100, earned="2"),
        *_run("w20", 3, 2, "d", 50, parent=3, earned="3"), *_run("w20", 3, 3, "e", 50, parent=2),
        *_run("w20", 4, 1, "y", 50, parent=3), *_run("w20", 4, 2, "z", 50, parent=1, earned="4"),
        *_run("w20", 4, 3, "z", 100, parent=2),
    ]  # fmt: skip
    found = _break_even(books, "w20", rows)
    # 4, 2, 1 + 2, and 2 that both scopes halve.
    assert (found[""].runs, found[""].recovered_usd) == (5, Decimal(10))
    assert (found["z"].runs, found["z"].recovered_usd) == (1, Decimal(1))
    assert found[""].break_even_runs.value == 5


@pytest.mark.slow
def test_a_run_that_is_charged_counts(books: Store) -> None:
    """What it called came before the asset, its own span after; of the second the other way."""
    late = _run("w21", 1, 1, "writer", 100, earned="5")
    early = _run("w21", 2, 1, "writer", 100, earned="9")
    for row in (late[1], early[0]):
        row["received_at"] = scene.moment(scene.START - timedelta(minutes=30))
    found = _break_even(books, "w21", [*_asset("w21", 1, "30", "writer"), *late, *early])
    with Ledger(DirectReader(books), workspace="w21") as ledger:
        (asset,) = ledger.assets()
    assert asset.charged_units == 1
    assert (found["writer"].runs, found["writer"].recovered_usd) == (1, Decimal(4))


def test_a_run_earns_with_all_that_it_hands_on(books: Store) -> None:
    """What the helper costs is its caller's too, though in the helper's books; two runs, not 4."""
    rows = _asset("w3", 1, "30", "boss")
    for trace in (1, 2):
        rows += _run("w3", trace, 1, "boss", 100, earned="6")
        rows += _run("w3", trace, 2, "helper", 300, parent=1)
    found = _break_even(books, "w3", rows)
    assert (found["boss"].runs, found["boss"].recovered_usd) == (2, Decimal(4))
    assert found["boss"].contribution_per_run.value == Decimal(2)


def test_what_a_helper_costs_is_its_callers(books: Store) -> None:
    """Who asked earns for both, so the helper's asset takes none of that cost on, however dear.

    Neither where the caller earned nothing in a trace, nor beside runs of the helper that earn; but
    where nobody is paid back for the caller the cost is the helper's.
    """
    rows = [
        *_asset("w8", 1, "10", "boss"), *_asset("w8", 2, "100", "helper"),
        *_asset("w8", 3, "1000", "boss", "9"),  # of no run with a value: its part would be nobody's
        *_run("w8", 1, 1, "boss", 100, earned="6"), *_run("w8", 1, 2, "helper", 300, parent=1),
        *_run("w8", 2, 1, "boss", 100, agent_version="9"),
        *_run("w8", 2, 2, "helper", 200, parent=1),
        *_run("w8", 3, 1, "helper", 100, earned="9"),
        *_run("w8", 4, 1, "other", 100, earned="9"), *_run("w8", 4, 2, "helper", 300, parent=1),
    ]  # fmt: skip
    found = _break_even(books, "w8", rows)
    assert (found["boss"].runs, found["boss"].recovered_usd) == (2, Decimal(2 - 3))
    assert found["boss"].break_even_runs.value is None
    assert found["boss 9"].recovered_usd is None
    assert (found["helper"].runs, found["helper"].recovered_usd) == (4, Decimal(8 - 3))
    with Ledger(DirectReader(books), workspace="w8") as ledger:
        for agent in ("boss", "helper"):
            alone = {f"{row.agent_name} {row.agent_version}".strip(): row
                     for row in ledger.break_even(agent)}  # fmt: skip
            assert alone == {key: row for key, row in found.items() if row.agent_name == agent}


@pytest.mark.slow
def test_what_a_rule_says_of_a_helper_pays_back_the_helpers_assets_alone(books: Store) -> None:
    """Its caller's rule says what was asked for is worth: as in inclusive values and payback."""
    rules = [
        ValueRule.model_validate(
            {"per": "success", "amount": amount, "agent": agent, "workspace": "w7"}
            | {"valid_from": "2026-01-01"}
        )
        for agent, amount in (("boss", "6"), ("helper", "5"))
    ]
    with books.connect() as connection:
        publish(connection, rules)
    run = [*_run("w7", 1, 1, "boss", 100), *_run("w7", 1, 2, "helper", 300, parent=1)]
    found = _break_even(books, "w7", [*_asset("w7", 1, "30", "boss"), *run])
    assert found["boss"].contribution_per_run.value == Decimal(2)
    with Ledger(DirectReader(books), workspace="w7") as ledger:
        (group,) = ledger.agent("boss").groups
    assert group.sums.inclusive_value_usd == Decimal(6)
    found = _break_even(books, "w7", [*_asset("w7", 2, "30", "helper"), *run])
    # Half of what each run cost and was paid for, and all that the rule says of the helper.
    assert found["helper"].contribution_per_run.value == Decimal("3.5")


def test_an_agent_that_calls_itself_ran_once(books: Store) -> None:
    rows = [
        *_asset("w4", 1, "30", "boss"),
        *_run("w4", 1, 1, "boss", 100, earned="6"),
        *_run("w4", 1, 2, "boss", 100, parent=1),
    ]
    found = _break_even(books, "w4", rows)
    assert (found["boss"].runs, found["boss"].recovered_usd) == (1, Decimal(4))


@pytest.mark.slow
def test_runs_of_one_trace_are_no_independent_draws(books: Store) -> None:
    """Twelve traces with one to three runs each: the interval is of traces over runs."""
    rows = _asset("w5", 1, "30", "boss")
    for trace in range(1, 13):
        for place in range(1, trace % 3 + 2):
            earned = str(4 + trace % 4) if place == 1 else "0"
            rows += _run("w5", trace, place, "boss", 100, earned=earned)
    found = _break_even(books, "w5", rows)["boss"]
    assert found.runs == 24
    assert found.contribution_per_run.n == 12
    assert found.contribution_per_run.method == "fieller"
    assert found.contribution_per_run.low is not None


@pytest.mark.slow
def test_runs_of_one_trace_that_all_earned_may_fail_yet(books: Store) -> None:
    """The same with none that earned nothing, and with a helper that earned in place of its caller.

    As few of the 24 runs may earn as twelve traces leave open, at half the doubt.
    """
    rows = [*_asset("w60", 1, "30", "boss"), *_asset("w60", 2, "30", "chief")]
    sizes = [trace % 3 + 1 for trace in range(1, 13)]
    for trace, runs in enumerate(sizes, 1):
        for place in range(1, runs + 1):
            rows += _run("w60", trace, place, "boss", 100, earned=str(2 + trace % 4))
            where = {"trace": 100 + trace, "tokens": 50}
            rows += _run("w60", place=2 * place, agent="chief", **where)
            rows += _run("w60", place=2 * place + 1, agent="aide", parent=2 * place, **where,
                         earned=str(2 + trace % 4))  # fmt: skip
    found = _break_even(books, "w60", rows)
    left = [float(runs * (1 + trace % 4)) for trace, runs in enumerate(sizes, 1)]
    joint = Joint.of(left, [float(runs) for runs in sizes])
    mean = sum(left) / 24
    sample = Sample(12, mean, ratio_variance(joint))
    known = Traces(12, 24**2 / sum(runs**2 for runs in sizes), 0.0)
    expected = stake_interval(sample, Stake(24, 24, mean + 1, known))
    for agent in ("boss", "chief"):
        a_run = found[agent].contribution_per_run
        assert (found[agent].runs, a_run.n, a_run.method) == (24, 12, "mean and wilson")
        assert a_run.interval.low == pytest.approx(expected.low, rel=1e-9)
        assert a_run.interval.high == pytest.approx(expected.high, rel=1e-9)
        assert (found[agent].break_even_runs.high is None) == ((expected.low or 0) <= 0)


def test_a_run_that_failed_costs_what_it_costs(books: Store) -> None:
    """One of 24 earned nothing and cost $3 with its helper, the others $1: the gap is of both.

    So of the agent's own runs, and where helpers earn in place of their caller.
    """
    rows = [*_asset("w61", 1, "30", "boss"), *_asset("w61", 2, "30", "chief")]
    sizes = [trace % 3 + 1 for trace in range(1, 13)]
    left: list[float] = []
    for trace, runs in enumerate(sizes, 1):
        earned = "0" if trace == 3 else str(2 + trace % 4)
        left += [float(earned) - (3 if trace == 3 else 1)] * runs
        for place in range(1, runs + 1):
            rows += _run("w61", trace, place, "boss", 100, earned=earned)
            where = {"trace": 100 + trace, "tokens": 50}
            rows += _run("w61", place=2 * place, agent="chief", **where)
            rows += _run("w61", place=2 * place + 1, agent="aide", parent=2 * place, **where,
                         earned=earned)  # fmt: skip
    rows += _run("w61", 3, 7, "aide", 200, parent=1)
    rows += _run("w61", 103, 7, "aide", 200, parent=2)
    found = _break_even(books, "w61", rows)
    joint = Joint.of(_by_trace(left, sizes), [float(runs) for runs in sizes])
    won = [one for one in left if one > -3]
    assert len(won) == 23
    known = Traces(12, 24**2 / sum(runs**2 for runs in sizes), 0.0)
    expected = stake_interval(
        Sample(12, sum(left) / 24, ratio_variance(joint)),
        Stake(24, 23, sum(won) / 23 + 3, known),
    )
    for agent in ("boss", "chief"):
        a_run = found[agent].contribution_per_run
        assert (found[agent].runs, a_run.n, a_run.method) == (24, 12, "mean and wilson")
        assert a_run.interval.low == pytest.approx(expected.low, rel=1e-9)
        assert a_run.interval.high == pytest.approx(expected.high, rel=1e-9)


def _by_trace(of_runs: list[float], sizes: list[int]) -> list[float]:
    runs = iter(of_runs)
    return [sum(next(runs) for _ in range(size)) for size in sizes]


@pytest.mark.slow
@settings(
    max_examples=5,
    deadline=None,
    derandomize=True,
    phases=(Phase.generate,),  # each example is an engine's work: no shrinking
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(seed=st.integers(0, 2**32))
def test_no_cent_pays_two_assets_back(books: Store, seed: int) -> None:
    """Over all assets: what the runs earned less what they cost, of those that a known one reaches.

    Of most helpers, and of some others, nobody said a value.
    """
    draw = random.Random(seed)  # noqa: S311 - data; drawn one by one they are hardly ever mixed
    workspace = f"p{next(_EXAMPLES)}"
    everywhere = draw.random() < 0.3
    rows = _asset(workspace, 1, "7") if everywhere else []
    drawn: list[tuple[set[tuple[str, str]], Decimal]] = []
    for number in range(2, draw.randint(3, 6)):
        usd, agent = draw.choice(("0", "0.01", "3", "1000")), draw.choice("aabbcc")
        rows += _asset(workspace, number, usd, agent, draw.choice(("", "1")))
    for trace in range(1, 9):
        above: list[set[tuple[str, str]]] = [set()]
        for place in range(1, draw.randint(1, 4) + 1):
            parent, tokens = draw.randrange(place), draw.randint(1, 99)
            earned = draw.choice(("", "", "", "0", "5") if parent else ("", "0", "1", "7"))
            # The third agent is a helper only.
            agent, version = draw.choice("abcc" if parent else "ab"), draw.choice(("", "1", "2"))
            rows += _run(
                workspace, trace, place, agent, tokens, parent=parent, earned=earned,
                agent_version=version,
            )  # fmt: skip
            above.append(above[parent] | {(agent, version)})
            drawn.append((above[place], Decimal(earned or 0) - tokens * Decimal("0.01")))
    found = _break_even(books, workspace, rows)
    known = [one for one in found.values() if one.recovered_usd is not None]
    reached = [
        left
        for agents, left in drawn
        if any(
            scope.agent_name in {"", name} and scope.agent_version in {"", version}
            for scope in known
            for name, version in agents
        )
    ]
    assert len(reached) == len(drawn) or not everywhere
    used = sum((one.recovered_usd or Decimal(0) for one in known), Decimal(0))
    assert used == sum(reached)
