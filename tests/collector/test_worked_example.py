"""The worked example of the docs: made by the collector's stages, computed again by hand."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.collector.settle import scene

from spanledger_collector.query import DirectReader, Estimate, Ledger
from spanledger_collector.store import Connection, Store
from spanledger_collector.value import ValueRule, publish

_WHOLE = (Path(__file__).parents[2] / "docs" / "worked-example.md").read_text()
PAGE = _WHOLE.partition("## The same on a GPU of one's own")[0]
RUNS = range(1, 11)
_PART = r"(-?[0-9.]+)"
#: run -> variable, rework, amortized, total, value, margin; and the same of all runs.
TOLD = {
    row[0]: tuple(map(Decimal, row[1:]))
    for row in re.findall(r"^\| (\d+|all) " + rf"\| {_PART} " * 6 + r"\|$", PAGE, re.MULTILINE)
}
#: Figure -> its value and both ends of its interval.
SURE = {
    name: tuple(map(float, figures))
    for name, *figures in re.findall(
        r"^\| ([a-z ,-]+) \| ([0-9.]+) \| ([0-9.]+) to ([0-9.]+) \|", PAGE, re.MULTILINE
    )
}
#: Student's t of 9 degrees of freedom and the normal quantile, from any printed table.
T9, Z = 2.262157163, 1.959963985
#: The same at half the doubt, 97.5 %.
T9_HALF, Z_HALF = 2.685010847, 2.241402728
ANSWERS = {
    question: Decimal(answer)
    for question, answer in re.findall(
        r"^\| ([a-z ,-]+) \| ([0-9.]+) \| [^|]+ \|$", PAGE, re.MULTILINE
    )
}


def _minute(row: scene.Row, minute: int) -> scene.Row:
    return row | {"received_at": scene.moment(scene.START + timedelta(minutes=minute))}


def _record(span_id: int, trace: int, parent: int = 1, **told: str) -> scene.Row:
    """A record of the run around it, or (parent 0) of something else."""
    attributes = {"spanledger." + name.replace("__", "."): text for name, text in told.items()}
    return scene.span(span_id, parent, "record", trace=trace, lasts=0, attributes=attributes)


def _call(
    span_id: int, trace: int, tokens: tuple[int, int] = (1000, 500), **given: Any
) -> scene.Row:
    return scene.call(span_id, given.pop("parent", 1), tokens, trace=trace, **given)


def _happenings() -> dict[int, list[scene.Row]]:
    """What each run does, beside its agent span (number 1)."""
    late = {"status": "error", "error_type": "timeout", "usage_source": "estimated"}
    return {
        1: [_call(2, 1)],
        2: [_call(2, 2, retry_reasons=["429"], retry_wait_seconds=[1.0])],
        3: [_call(2, 3, (1000, 0), **late), _call(3, 3, retry_of=2)],
        4: [_call(2, 4), _call(3, 4, rework_of=2)],
        5: [
            _call(2, 5, at=1),
            scene.span(3, 1, "tool", trace=5, tool_name="search", at=3),
            _call(4, 5, (2000, 500), at=5),
            _record(5, 5, outcome="failure"),
        ],
        6: [_call(2, 6), _call(3, 6, (500, 0), attributes={"spanledger.purpose": "appraisal"})],
        7: [_call(2, 7), _record(3, 7, effort__minutes="2", effort__role="reviewer")],
        8: [
            _call(2, 8),
            scene.span(3, 1, "agent", trace=8, agent_name="researcher"),
            _call(4, 8, (2500, 500), parent=3),
        ],
        9: [_call(2, 9)],
        10: [_call(2, 10), _record(3, 10, revenue__amount="5")],
    }


def _afterwards() -> list[scene.Row]:
    """What is known days later, told in traces of its own."""
    judged = {
        "subject__trace_id": scene.hex32(5),
        "subject__span_id": scene.hex16(2),
        "evaluation__verdict": "hallucinated",
    }
    given_back = {"subject__trace_id": scene.hex32(10), "revenue__amount": "-1"}
    return [_record(1, 90, 0, **judged), _record(1, 91, 0, **given_back)]


def _asset(span_id: int, entry: str, **told: str) -> scene.Row:
    return _record(span_id, 100 + span_id, 0, asset__id="ft", asset__entry=entry, **told)


def _settle(store: Store, connection: Connection, minute: int, rows: Sequence[scene.Row]) -> None:
    scene.load(connection, [_minute(row, minute) for row in rows])
    scene.settle(store, sorted({int(str(row["trace_id"]), 16) for row in rows}))


def _make(store: Store, connection: Connection) -> None:
    rates = {"input": "0.00001", "output": "0.00003"}
    scene.publish(
        connection,
        [
            scene.price(**rates),
            scene.price("search", "tool", units={"calls": ("5", 1000)}),
            scene.price("reviewer", "human", units={"minutes": ("0.60", 1)}),
        ],
    )
    rule = {
        "per": "success", "amount": "2", "valid_from": "2026-01-01", "agent": "support",
        "decay": {"grace_seconds": 10, "half_life_seconds": 10},
    }  # fmt: skip
    publish(connection, [ValueRule.model_validate(rule)])
    plan = {"asset__unit": "execution", "asset__method": "x", "asset__agent__name": "support"}
    before = [
        _asset(1, "cost", asset__amount="80", asset__kind="training"),
        _asset(2, "cost", asset__amount="20", asset__kind="data_curation"),
        _asset(3, "plan", asset__expected_units="1000", **plan),
    ]
    corrected = [_asset(4, "plan", asset__expected_units="398", **plan)]
    happenings = _happenings()
    for minute, entries, runs in ((0, before, range(1, 6)), (10, corrected, range(6, 11))):
        _settle(store, connection, minute, entries)
        rows = [row for run in runs for row in (_agent(run), *happenings[run])]
        _settle(store, connection, minute + 5, rows)
    _settle(store, connection, 3000, _afterwards())
    scene.settle(store, (5, 10))


def _agent(run: int) -> scene.Row:
    lasts = 20 if run == 9 else 8
    return scene.span(
        1, 0, "agent", trace=run, run_id=f"run-{run}", agent_name="support", at=0, lasts=lasts
    )


@pytest.fixture(scope="module", name="ledger")
def _ledger(module_store: Store) -> Iterator[Ledger]:
    with module_store.connect() as connection:
        _make(module_store, connection)
    with Ledger(DirectReader(module_store)) as ledger:
        yield ledger


def _sums(ledger: Ledger) -> dict[str, tuple[Decimal, ...]]:
    table = ledger.sql(
        "SELECT run_id, cost_usd, rework_cost_usd, amortized_cost_usd, total_cost_usd, value_usd, "
        "margin_usd FROM run_economics WHERE agent_name = 'support'"
    )
    rows = {str(row["run_id"]).removeprefix("run-"): row for row in table.to_pylist()}
    return {
        name: tuple(value for key, value in row.items() if key != "run_id")
        for name, row in rows.items()
    }


def test_the_ledger_says_what_the_page_says(ledger: Ledger) -> None:
    found = _sums(ledger)
    found["all"] = tuple(map(sum, zip(*found.values(), strict=True)))  # type: ignore[arg-type]
    assert found == TOLD


def test_a_pencil_says_the_same() -> None:
    """The formulas of the page in Decimal, without the ledger."""
    call = Decimal(1000) * 10 / 10**6 + Decimal(500) * 30 / 10**6
    search, sent = Decimal(5) / 1000, Decimal(1000) * 10 / 10**6
    second = Decimal(2000) * 10 / 10**6 + Decimal(500) * 30 / 10**6
    variable = dict.fromkeys(RUNS, call) | {
        3: sent + call,
        4: 2 * call,
        5: call + search + second,
        6: call + Decimal(500) * 10 / 10**6,
        7: call + 2 * Decimal("0.60"),
    }
    wasted = dict.fromkeys(RUNS, Decimal(0)) | {3: sent, 4: call, 5: variable[5]}
    value = dict.fromkeys(RUNS, Decimal(2)) | {5: Decimal(0), 9: Decimal(1), 10: Decimal(4)}
    first = Decimal(100) / 1000
    share = {run: first if run <= 5 else (100 - 5 * first) / 398 for run in RUNS}
    table = {
        str(run): (
            variable[run],
            wasted[run],
            share[run],
            variable[run] + share[run],
            value[run],
            value[run] - variable[run] - share[run],
        )
        for run in RUNS
    }
    table["all"] = tuple(map(sum, zip(*table.values(), strict=True)))  # type: ignore[arg-type]
    assert table == TOLD


def test_the_answers_follow(ledger: Ledger) -> None:
    (agent,) = (row for row in ledger.agents() if row.agent_name == "support")
    views = "(SELECT * FROM {} WHERE agent_name = 'support')"
    (rate,) = ledger.sql(
        "SELECT sum(rework_cost_usd) AS wasted, sum(cost_usd) AS cost FROM "
        + views.format("rework_rate")
    ).to_pylist()
    (quality,) = ledger.sql(f"SELECT * FROM {views.format('quality_cost')}").to_pylist()
    (asset,) = ledger.assets()
    (earned,) = ledger.break_even("support")
    report = ledger.agent("support").total
    exact = Decimal(1).scaleb(-12)
    answers = {
        "cost per run": report.total_cost_per_run.value,
        "cost per successful run": report.cost_per_success.value,
        "margin per run": report.margin_per_run.value,
        "wasted, by money": (rate["wasted"] / rate["cost"]).quantize(exact),
        "rework multiplier": (rate["cost"] / (rate["cost"] - rate["wasted"])).quantize(exact),
        "cost of quality": quality["quality_cost_usd"],
        "left of the fine-tune": asset.net_book_value_usd,
        "inclusive cost per run": report.inclusive_total_cost_per_run.value,
        "inclusive cost per successful run": report.inclusive_cost_per_success.value,
        "inclusive margin per run": report.inclusive_margin_per_run.value,
        "runs that earn the fine-tune": earned.break_even_runs.value,
    }
    assert answers == ANSWERS
    # Both screens have one share and one multiplier: judging is no work on either.
    [screen] = [row for row in ledger.rework(by="agent").rates if row.key == "support"]
    for told in (screen, report.sums):
        assert told.rework_cost_ratio == pytest.approx(float(ANSWERS["wasted, by money"]))
        assert told.rework_multiplier == pytest.approx(float(ANSWERS["rework multiplier"]))
    assert report.rework_share.value == ANSWERS["wasted, by money"]
    assert agent.margin_usd == TOLD["all"][-1]
    assert agent.cost_per_run_usd == ANSWERS["cost per run"]
    assert agent.cost_per_success_usd == ANSWERS["cost per successful run"]
    assert agent.inclusive_margin_usd == TOLD["all"][-1] - Decimal("0.04")
    assert f"15.72 - 0.04 = ${agent.inclusive_margin_usd:.2f}" in PAGE
    assert agent.inclusive_cost_per_run_usd == ANSWERS["inclusive cost per run"]
    (run,) = (row for row in ledger.runs() if row.run_id == "run-8")
    assert f"0.275 + 0.04 = ${run.inclusive_total_cost_usd:.3f}" in PAGE
    assert f"2 - 0.315 = ${run.inclusive_margin_usd:.3f}" in PAGE
    total = ledger.sql("SELECT sum(cost_usd) AS usd FROM attempts FINAL WHERE counted").to_pylist()
    assert total == [{"usd": TOLD["all"][0] + Decimal("0.04")}]
    assert f"1.53 + 0.04 = ${total[0]['usd']:.2f}" in PAGE


def _ends(estimate: Estimate) -> tuple[float, ...]:
    told = (estimate.value, estimate.low, estimate.high)
    return tuple(round(float(end), 6) for end in told if end is not None)


def test_how_sure_it_is_follows(ledger: Ledger) -> None:
    report = ledger.agent("support").total
    found = {
        "inclusive margin per run": _ends(report.inclusive_margin_per_run),
        "inclusive cost per successful run": _ends(report.inclusive_cost_per_success),
        "wasted, by money": _ends(report.rework_share),
        "rework multiplier": _ends(report.rework_multiplier),
    }
    assert found == SURE
    assert report.verdict.sustainable == "yes"
    assert "`sustainable: yes`" in PAGE


def test_a_pencil_is_as_sure() -> None:
    """Hall and Wilson written out, over the ten runs of the page."""
    runs = [TOLD[str(run)] for run in RUNS]
    sub_agent = [0.04 if run == 8 else 0.0 for run in RUNS]
    margins = [float(run[5]) - sub for run, sub in zip(runs, sub_agent, strict=True)]
    costs = [float(run[3]) + sub for run, sub in zip(runs, sub_agent, strict=True)]
    won = [float(run != 5) for run in RUNS]
    wasted = [float(run[1]) for run in runs]
    work = [float(run[0]) - (0.005 if number == 6 else 0) for number, run in enumerate(runs, 1)]
    found = {
        "inclusive margin per run": _staked(margins, won),
        "inclusive cost per successful run": _bounded(costs, won),
        "wasted, by money": _wilson(wasted, work),
    }
    share = found["wasted, by money"]
    found["rework multiplier"] = tuple(1 / (1 - end) for end in share)
    assert found.keys() == SURE.keys()
    for name, ends in found.items():
        assert SURE[name] == pytest.approx(ends, abs=1e-6), name


def _covariance(a: Sequence[float], b: Sequence[float]) -> float:
    mean_a, mean_b = sum(a) / 10, sum(b) / 10
    return sum((x - mean_a) * (y - mean_b) for x, y in zip(a, b, strict=True)) / 9


def _staked(margins: Sequence[float], won: Sequence[float]) -> tuple[float, ...]:
    """What runs of both kinds spread by, moved by how often one that earns something may come."""
    mean, share = sum(margins) / 10, sum(won) / 10
    earned = sum(one for one, is_won in zip(margins, won, strict=True) if is_won) / sum(won)
    gap = (earned - mean) / (1 - share)
    left = [one - gap * (is_won - share) for one, is_won in zip(margins, won, strict=True)]
    third = sum((one - mean) ** 3 for one in margins) / 10
    # Less the third moment of the two kinds, taken as spreading alike.
    low, high = _hall(left, third - gap**3 * share * (1 - share) * (1 - 2 * share))
    least, most = _half_wilson(share)
    return mean, low + (least - share) * gap, high + (most - share) * gap


def _bounded(costs: Sequence[float], won: Sequence[float]) -> tuple[float, ...]:
    """Ends of the mean cost over those of the share that succeeds."""
    mean = sum(costs) / 10
    low, high = _hall(costs, sum((one - mean) ** 3 for one in costs) / 10)
    least, most = _half_wilson(sum(won) / 10)
    return sum(costs) / sum(won), low / most, high / least


def _hall(values: Sequence[float], third: float) -> tuple[float, float]:
    """Ends of a mean by Hall's transformation, at half the doubt."""
    mean, spread = sum(values) / 10, _covariance(values, values)
    g = third / spread**1.5 / math.sqrt(10)
    upper, lower = (3 / g * (_root(1 + g * (t - g / 6)) - 1) for t in (T9_HALF, -T9_HALF))
    error = math.sqrt(spread / 10)
    return mean - upper * error, mean - lower * error


def _half_wilson(share: float) -> tuple[float, float]:
    z = Z_HALF
    middle = (share + z**2 / 20) / (1 + z**2 / 10)
    half = z / (1 + z**2 / 10) * math.sqrt(share * (1 - share) / 10 + z**2 / 400)
    return middle - half, middle + half


def _root(value: float) -> float:
    return math.copysign(abs(value) ** (1 / 3), value)


def _wilson(part: Sequence[float], whole: Sequence[float]) -> tuple[float, ...]:
    """With as many runs as leave the share as uncertain as the spread of the runs does."""
    share = sum(part) / sum(whole)
    left = [x - share * y for x, y in zip(part, whole, strict=True)]
    spread = _covariance(left, left) / (sum(whole) / 10) ** 2
    n = 10 * share * (1 - share) / spread * (Z / T9) ** 2
    middle = (share + Z**2 / (2 * n)) / (1 + Z**2 / n)
    half = Z / (1 + Z**2 / n) * math.sqrt(share * (1 - share) / n + Z**2 / (4 * n**2))
    return share, middle - half, middle + half
