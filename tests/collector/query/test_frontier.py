"""Cost beside latency: what is efficient, what a second costs, what more GPUs buy."""

from __future__ import annotations

import io
import json
import random
import statistics
from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from statistics import NormalDist
from typing import Any

import pytest
from rich.console import Console
from tests.collector.settle import scene

from spanledger_collector.cli.frontier import cells, columns
from spanledger_collector.cli.grid import Grid
from spanledger_collector.estimate import (
    Interval,
    Measured,
    independent_ratio_interval,
    student_t_quantile,
)
from spanledger_collector.query import DirectReader, FrontierPoint, Ledger
from spanledger_collector.store import Connection, Store

AGENTS = 30
CENT = Decimal("0.01")
#: Agents with four runs by m1 and four by m2, of which one also called what has no price: model,
#: seconds, tokens of a cent.
GAPS = {
    "may be cheaper, slower": (("m1", 5, 100), ("m2", 8, 90)),
    "may be cheaper, faster": (("m1", 8, 100), ("m2", 5, 90)),
    "is dearer, slower": (("m1", 5, 100), ("m2", 8, 200)),
    "is dearer, faster": (("m1", 8, 100), ("m2", 5, 200)),
}
#: Agents with twelve runs by m1, whose usage was told, and twelve by m2, whose usage was estimated:
#: seconds and tokens of m1, of m2, and between what those lie.
ESTIMATED = {
    "turned": ((5, 100), (8, 90), (60, 150)),
    "held": ((5, 200), (8, 100), (90, 120)),
    "beaten": ((5, 100), (8, 200), (150, 250)),
    "alike": ((5, 110), (5, 100), (50, 150)),
}


def _served(
    agent: str,
    trace: int,
    *,
    model: str,
    seconds: int,
    tokens: int,
    gpus: int = 0,
    between: tuple[int, int] | None = None,
) -> list[scene.Row]:
    """A run that takes so long and costs a cent a token, on so many GPUs."""
    where: dict[str, Any] = {"trace": trace, "request_model": model, "gpu_count": gpus}
    if between is not None:
        low, high = between
        where |= {"usage_source": "estimated", "input_tokens_low": low, "input_tokens_high": high}
    root = scene.span(
        1, 0, "agent", trace=trace, agent_name=agent, lasts=seconds, run_id=f"r{trace}"
    )
    return [root, scene.call(2, 1, (tokens, 0), lasts=seconds, **where)]


def _estimated() -> Iterator[tuple[int, list[scene.Row]]]:
    """Traces of ``ESTIMATED``, and of ``gpus``, on 1 and 2 of them, where those are estimated."""
    for place, (agent, (told, guessed, between)) in enumerate(ESTIMATED.items()):
        for number in range(12):
            trace = 400 + 30 * place + 2 * number
            yield (
                trace,
                _served(agent, trace, model="m1", seconds=told[0], tokens=told[1] + number % 3),
            )
            yield (
                trace + 1,
                _served(
                    agent, trace + 1, model="m2", seconds=guessed[0], tokens=guessed[1],
                    between=between,
                ),
            )  # fmt: skip
    for number in range(24):
        trace, is_two = 600 + number, number % 2 == 1
        yield (
            trace,
            _served(
                "gpus", trace, model="m1", seconds=5 if is_two else 9, gpus=1 + is_two,
                tokens=130 if is_two else 100 + number % 3, between=(80, 150) if is_two else None,
            ),
        )  # fmt: skip


def _scattered(connection: Connection) -> None:
    """Runs of many agents by many models, as the settler leaves them: one run an option."""
    rng = random.Random(31)  # noqa: S311 - test data
    runs: list[scene.Row] = []
    attempts: list[scene.Row] = []
    for number in range(AGENTS * 8):
        key = {"trace_id": scene.hex32(5000 + number), "run_id": f"s{number}", "workspace": "many"}
        who = {"agent_name": f"a{number % AGENTS}", "started_at": scene.moment(scene.START)}
        cost = {"cost_usd": str(rng.randrange(1, 6) * CENT), "version": 1}
        whole = {"inclusive_cost_usd": cost["cost_usd"]}
        runs.append({**key, **who, **cost, **whole, "duration_ns": rng.randrange(1, 6) * 10**9})
        attempts.append({**key, **who, **cost, "counted": True, "request_model": f"m{number}"})
    for table, rows in (("runs", runs), ("attempts", attempts)):
        connection.insert_bytes(table, "\n".join(map(json.dumps, rows)).encode(), "JSONEachRow")


@pytest.fixture(scope="module", name="ledger")
def _ledger(module_store: Store) -> Iterator[Ledger]:
    """``solver`` on 1, 2 and 4 GPUs, 12 runs each; ``chat`` on two models; scattered ones."""
    with module_store.connect() as connection:
        prices = [scene.price(model, input="0.01") for model in ("m1", "m2", "m3")]
        scene.publish(connection, prices)
        rows = [
            row
            for n in range(12)
            for k, (gpus, seconds, tokens) in enumerate(((1, 40, 100), (2, 24, 120), (4, 15, 150)))
            for row in _served(
                "solver",
                100 + 3 * n + k,
                model="m1",
                seconds=seconds + n % 3,
                tokens=tokens + n,
                gpus=gpus,
            )
        ]
        # m3 is slower and dearer: never efficient.
        for first, model, seconds, tokens in ((200, "m2", 9, 50), (220, "m3", 12, 60)):
            for trace in range(first, first + 12):
                rows += _served("chat", trace, model=model, seconds=seconds, tokens=tokens)
        for place, (agent, options) in enumerate(GAPS.items()):
            for number in range(8):
                trace = 300 + 10 * place + number
                model, seconds, tokens = options[number % 2]
                rows += _served(agent, trace, model=model, seconds=seconds, tokens=tokens)
                if number == 7:  # by m2, the second of the two
                    rows.append(scene.call(3, 1, (9, 0), trace=trace, request_model="no-price"))
        estimated = dict(_estimated())
        rows += [row for told in estimated.values() for row in told]
        scene.load(connection, rows)
        traces = [*estimated, *range(100, 136), *range(200, 212), *range(220, 232)]
        traces += [300 + 10 * place + number for place in range(len(GAPS)) for number in range(8)]
        scene.settle(module_store, traces)
        _scattered(connection)
    with Ledger(DirectReader(module_store)) as found:
        yield found


def test_more_gpus_buy_time_for_money(ledger: Ledger) -> None:
    """41 s for 1.055 USD on one, 25 s for 1.255 on two, 16 s for 1.555 on four."""
    four, two, one = ledger.frontier("solver")
    assert [point.gpu_count for point in (one, two, four)] == [1, 2, 4]
    costs = [point.inclusive_cost_per_success.value for point in (one, two, four)]
    assert costs == [Decimal("1.055"), Decimal("1.255"), Decimal("1.555")]
    assert (one.fewer_gpus, one.speedup_over_fewer, one.usd_over_fewer) == (0, None, None)
    assert (two.fewer_gpus, four.fewer_gpus) == (1, 2)
    assert two.speedup_over_fewer == pytest.approx(41 / 25)
    assert two.usd_over_fewer == Decimal("0.2")
    for point, slower in ((two, one), (four, two)):
        assert float(point.speedup.value or 0) == pytest.approx(point.speedup_over_fewer)
        assert point.dearer.value == point.usd_over_fewer
        for told in (point.speedup, point.dearer):
            assert told.low is not None, told.reason
            assert told.high is not None
            assert told.low < (told.value or 0) < told.high
            assert told.n == point.runs + slower.runs
    # Tokens of the twelve runs differ by one each, and none failed: at half the doubt 70.5 % at
    # least succeed, so that a success of the one may be dear where one of the other is not.
    half = student_t_quantile(0.9875, 11) * statistics.stdev(0.01 * n for n in range(12)) / 12**0.5
    least = 12 / (12 + NormalDist().inv_cdf(0.9875) ** 2)
    assert float(two.dearer.high or 0) == pytest.approx(
        (1.255 + half) / least - (1.055 - half), rel=1e-9
    )
    assert one.speedup.reason == one.dearer.reason == "no fewer GPUs of the same model"
    # The price of a second: 0.20 USD for 16 s, 0.30 USD for 9 s.
    assert two.usd_per_second.value == Decimal("0.0125")
    assert four.usd_per_second.value == (Decimal("0.3") / 9).quantize(Decimal("1e-12"))
    assert one.usd_per_second.value is None
    for point in (two, four):
        price = point.usd_per_second
        assert price.low is not None, price.reason
        assert price.high is not None
        assert price.low < (price.value or 0) < price.high


def test_what_is_slower_and_dearer_is_not_efficient(ledger: Ledger) -> None:
    fast, slow = ledger.frontier("chat")
    assert (fast.model, fast.is_efficient) == ("m2", True)
    assert (slow.model, slow.is_efficient) == ("m3", False)
    assert slow.usd_per_second.value is None
    assert fast.gpu_count == 0


def test_an_option_with_unknown_costs_is_not_told_efficient(ledger: Ledger) -> None:
    """What is known of it is the least: enough to be beaten, not to beat another."""
    known = "the cost of 1 of 4 runs is not wholly known"
    found = {agent: {point.model: point for point in ledger.frontier(agent)} for agent in GAPS}
    told = {
        agent: tuple(points[model].is_efficient for model in ("m1", "m2"))
        for agent, points in found.items()
    }
    assert told == {
        "may be cheaper, slower": (True, None),
        "may be cheaper, faster": (None, None),
        "is dearer, slower": (True, False),
        "is dearer, faster": (True, None),
    }
    slower, faster = (found[f"may be cheaper, {how}"] for how in ("slower", "faster"))
    assert [slower[model].why for model in ("m1", "m2")] == ["", known]
    assert faster["m2"].why == known
    assert faster["m1"].why == f"m2 is as fast and may be cheaper: {known}"
    # What a second costs against an option of unknown cost, nobody knows.
    price = slower["m1"].usd_per_second
    assert (price.value, price.low, price.reason) == (None, None, f"m2: {known}")
    assert faster["m1"].usd_per_second.reason == faster["m1"].why
    out = Console(file=io.StringIO(), width=300, record=True)
    out.print(Grid("", columns(list(faster.values())), map(cells, faster.values())))
    shown = out.export_text()
    assert shown.count("unknown") > 2
    assert faster["m1"].why in shown


def test_what_estimates_could_turn_is_not_told(ledger: Ledger) -> None:
    """By both ends of the usage of m2: whether it is efficient, and what a second costs."""
    found = {agent: {one.model: one for one in ledger.frontier(agent)} for agent in ESTIMATED}
    told = {
        agent: (points["m1"].is_efficient, points["m2"].is_efficient)
        for agent, points in found.items()
    }
    assert told == {
        "turned": (True, None), "held": (True, True), "beaten": (True, False),
        "alike": (None, None),
    }  # fmt: skip
    turned, held, alike = (found[agent] for agent in ("turned", "held", "alike"))
    assert turned["m2"].why == (
        "estimates could turn it: $0.600 to $1.50 a success; m1 is as fast, for $1.01"
    )
    price = turned["m1"].usd_per_second
    assert (price.value, price.low, price.high) == (None, None, None)
    assert price.reason == "m2: estimates could turn whether it is efficient"
    assert alike["m1"].why == (
        "estimates could turn it: $1.11 a success; m2 is as fast, for $0.500 to $1.50"
    )
    assert alike["m2"].why == (
        "estimates could turn it: $0.500 to $1.50 a success; m1 is as fast, for $1.11"
    )
    # A second costs 1.01 USD / 3, and 0.2 USD less or 0.1 more by what a success of m2 costs.
    price = held["m1"].usd_per_second
    assert float(price.value or 0) == pytest.approx(1.01 / 3)
    plain = _price_of_a_second(held["m1"], held["m2"])
    assert price.method == "fieller, ends of estimates"
    for end, seen, off in ((price.low, plain.low, -0.2), (price.high, plain.high, 0.1)):
        assert end is not None
        assert seen is not None
        assert float(end) == pytest.approx(seen + off / 3, rel=1e-9)


def _price_of_a_second(fast: FrontierPoint, slow: FrontierPoint) -> Interval:
    """As if nothing were estimated: of costs whose spread is what their intervals imply."""
    spread = 0.0
    for cost in (one.inclusive_cost_per_success for one in (fast, slow)):
        assert cost.low is not None
        assert cost.high is not None
        assert cost.value is not None
        off = float(max(cost.high - cost.value, cost.value - cost.low))
        spread += (off / NormalDist().inv_cdf(0.975)) ** 2
    dearer = Measured(12, 1.01, 12 * spread)
    return independent_ratio_interval(dearer, Measured(12, 3.0, 0.0))


def test_what_more_gpus_cost_is_between_the_ends_of_estimates(ledger: Ledger) -> None:
    """1.30 USD on two by an estimate of 0.80 to 1.50, 1.01 USD on one."""
    two, one = ledger.frontier("gpus")
    assert (two.gpu_count, one.gpu_count) == (2, 1)
    assert two.dearer.value == two.usd_over_fewer == Decimal("0.29")
    costs = two.inclusive_cost_per_success, one.inclusive_cost_per_success
    assert None not in {end for cost in costs for end in (cost.low, cost.high)}
    now, then = (cost.interval for cost in costs)
    assert two.dearer.method == "ends of both"
    assert float(two.dearer.low or 0) == pytest.approx(
        (now.low or 0) * 0.8 / 1.3 - (then.high or 0), rel=1e-9
    )
    assert float(two.dearer.high or 0) == pytest.approx(
        (now.high or 0) * 1.5 / 1.3 - (then.low or 0), rel=1e-9
    )
    assert (two.is_efficient, one.is_efficient) == (True, None)


def _dominated(point: FrontierPoint, others: list[FrontierPoint]) -> bool:
    where = (point.p50_latency.value or 0, point.inclusive_cost_per_success.value or 0)
    return any(
        (other.p50_latency.value or 0) <= where[0]
        and (other.inclusive_cost_per_success.value or 0) <= where[1]
        and (other.p50_latency.value, other.inclusive_cost_per_success.value) != where
        for other in others
    )


def test_efficient_is_what_nothing_dominates(ledger: Ledger) -> None:
    """Thirty agents with eight options each, against every pair; of equals all are efficient."""
    with_options: dict[str, list[FrontierPoint]] = defaultdict(list)
    many = Ledger(ledger._reader, workspace="many")
    for point in many.frontier():
        with_options[point.agent_name].append(point)
    assert len(with_options) == AGENTS
    for options in with_options.values():
        assert len(options) == 8
        efficient = [point for point in options if point.is_efficient]
        assert efficient == [point for point in options if not _dominated(point, options)]
        for one in efficient:
            slower = [
                other
                for other in efficient
                if (other.p50_latency.value or 0) > (one.p50_latency.value or 0)
            ]
            assert (one.usd_per_second.value is None) == (not slower)
            if one.usd_per_second.value is None:
                continue
            other = slower[0]
            later = (other.p50_latency.value or 0) - (one.p50_latency.value or 0)
            saved = (one.inclusive_cost_per_success.value or 0) - (
                other.inclusive_cost_per_success.value or 0
            )
            price = Decimal(saved) * 10**9 / Decimal(later)
            assert one.usd_per_second.value == price.quantize(Decimal("1e-12"))


def test_the_view_says_the_same(ledger: Ledger, module_store: Store) -> None:
    with module_store.connect() as connection:
        rows = connection.rows("SELECT * FROM latency_frontier WHERE workspace = 'default'")
    found = {(row["agent_name"], row["model"], row["gpu_count"]): row for row in rows}
    for point in ledger.frontier():
        row = found.pop((point.agent_name, point.model, point.gpu_count))
        assert row["cost_per_success_usd"] == point.cost_per_success.value
        assert row["inclusive_cost_per_success_usd"] == point.inclusive_cost_per_success.value
        assert row["inclusive_cost_per_success_low_usd"] == point.inclusive_cost_low_usd
        assert row["inclusive_cost_per_success_high_usd"] == point.inclusive_cost_high_usd
        assert row["p50_duration_ns"] == point.p50_latency.value
        assert row["is_efficient"] == point.is_efficient
        assert row["usd_per_second"] == point.usd_per_second.value
    assert found == {}


def test_a_price_of_a_second_whose_seconds_may_be_none_has_no_interval() -> None:
    over, apart = Measured(20, 0.5, 0.2), Measured(20, 1.0, 400.0)
    assert "may as well be nothing" in independent_ratio_interval(over, apart).reason
    assert "too few" in independent_ratio_interval(Measured(9, 1, 1), apart).reason


def test_independent_ratios_are_held_as_often_as_said() -> None:
    rng = random.Random(32)  # noqa: S311 - a simulation, the same each time
    held = 0
    for _ in range(1500):
        over = Measured(25, 3 + rng.gauss(0, 1) / 5, 1.0)
        under = Measured(25, 2 + rng.gauss(0, 2) / 5, 4.0)
        held += not independent_ratio_interval(over, under).excludes(1.5)
    assert 0.935 <= held / 1500 <= 0.965


@pytest.mark.slow
def test_a_figure_has_one_interval_wherever_it_stands(store: Store) -> None:
    """Two of 15 runs succeed and one costs two hundred times as much: skewed, and seldom."""
    rows: list[scene.Row] = []
    for trace in range(1, 16):
        told = {"spanledger.outcome": "success" if trace < 3 else "failure"}
        where = {"trace": trace, "at": trace * 60}
        tokens = 200_000 if trace == 15 else 1000 + trace
        rows += [
            scene.span(1, 0, "agent", agent_name="seldom", attributes=told, **where),
            scene.call(2, 1, (tokens, 0), **where),
        ]
    with store.connect() as connection:
        scene.publish(connection, [scene.price("m1", input="0.00001")])
        scene.load(connection, rows)
    scene.settle(store, range(1, 16))
    with Ledger(DirectReader(store)) as ledger:
        (group,), (point,) = ledger.agent("seldom", by="model").groups, ledger.frontier("seldom")
    assert point.inclusive_cost_per_success == group.inclusive_cost_per_success
    assert point.cost_per_success == group.cost_per_success
    assert group.cost_per_success.high is not None
