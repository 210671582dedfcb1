"""Cost of quality: the sums of the view, by any key, and the interval of its share by traces."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any, get_args

import pytest
from tests.collector.settle import booked, scene
from tests.collector.settle.booked import entered, ran, settled

from spanledger_collector.estimate import Joint, part_interval
from spanledger_collector.query import DirectReader, Ledger, QualityBy
from spanledger_collector.store import Store

RUNS = range(1, 13)
_AMOUNTS = (
    "cost_usd", "prevention_cost_usd", "appraisal_cost_usd", "failure_cost_usd", "good_cost_usd",
    "amortized_appraisal_usd", "quality_cost_usd",
)  # fmt: skip


def _run(trace: int) -> list[scene.Row]:
    """Version 1 or 2, for one of three tenants: works, is guarded, judged, and fails at times."""
    about = {"trace": trace, "at": 1}
    purposes = [("prevention", 1), ("appraisal", trace)]
    rows = [
        *ran(trace, 2, "a", agent_version=str(1 + trace % 2), tenant=f"t{trace % 3}"),
        scene.call(2, 1, (10 + trace, 0), **about),
        *(
            scene.call(3 + place, 1, (tokens, 0), attributes={"spanledger.purpose": word}, **about)
            for place, (word, tokens) in enumerate(purposes)
        ),
    ]
    if trace % 4 == 0:
        rows.append(scene.call(6, 1, (5, 0), rework_of=2, rework_reason="regenerated", **about))
    return [row | {"received_at": booked.clock(2)} for row in rows]


@pytest.fixture
def judged(store: Store) -> Iterator[Ledger]:
    """An evaluation set of 12 USD, for 24 runs: 0.50 USD each; and a run of unknown cost.

    Another of 12 USD, for 24 runs of agent c, or 16 to 48: 12 came, with 10 cents of work each.
    """
    plan = {"unit": "execution", "expected_units": 24, "agent__name": "a"}
    with store.connect() as connection:
        scene.publish(connection, [scene.price("m1", input="0.01")])
        entries = [
            entered(1, 0, "cost", amount="12", kind="evaluation"),
            entered(2, 1, "plan", **plan),
            entered(3, 0, "cost", amount="12", kind="evaluation", id="wide"),
            entered(
                4,
                1,
                "plan",
                id="wide",
                expected_units__low=16,
                expected_units__high=48,
                **(plan | {"agent__name": "c"}),
            ),
        ]
        unknown = scene.call(2, 1, (7, 0), trace=20, request_model="unknown-x")
        runs = [row for trace in RUNS for row in _run(trace)]
        runs += [row for trace in range(31, 43) for row in ran(trace, 2, "c", 10)]
        settled(store, connection, entries, [*runs, *ran(20, 2, "b"), unknown])
    with Ledger(DirectReader(store)) as found:
        yield found


@pytest.mark.slow
def test_the_share_is_that_of_the_runs(judged: Ledger) -> None:
    """Quality: a cent of guarding, `trace` cents of judging, 10 + trace failed, 0.50 of the set."""

    def wasted(trace: int) -> float:
        return (10 + trace) / 100 if trace % 4 == 0 else 0

    for by in get_args(QualityBy):
        for row in judged.quality(by=by, agent_name="a"):
            mine = [n for n in RUNS if row.key in ("total", "a", f"a {1 + n % 2}", f"t{n % 3}")]
            quality = [0.5 + 0.01 + n / 100 + wasted(n) for n in mine]
            paid = [0.5 + 0.01 + (10 + 2 * n) / 100 + (0.05 if n % 4 == 0 else 0) for n in mine]
            expected = part_interval(Joint.of(quality, paid))
            share = row.quality_share
            assert (share.n, share.method, share.reason) == (
                len(mine), expected.method, expected.reason.replace("runs", "traces"),
            )  # fmt: skip
            assert float(row.quality_cost_usd or 0) == pytest.approx(sum(quality))
            assert row.quality_cost_ratio == pytest.approx(sum(quality) / sum(paid))
            if expected.low is None:
                assert share.low is None
                continue
            assert (float(share.low or 0), float(share.high or 0)) == pytest.approx(
                (expected.low, expected.high), rel=1e-9
            )


def test_it_has_the_sums_of_the_view(judged: Ledger) -> None:
    days = judged.arrow("quality_cost").to_pylist()
    for by in get_args(QualityBy):
        for row in judged.quality(by=by):
            mine = [day for day in days if _key(by, day) == row.key]
            for name in _AMOUNTS:
                known = [day[name] for day in mine if day[name] is not None]
                assert getattr(row, name) == (sum(known, Decimal(0)) if known else None), name
        assert {row.key for row in judged.quality(by=by)} == {_key(by, day) for day in days}


def test_what_is_not_known_is_said(judged: Ledger) -> None:
    known, unknown = [row for row in judged.quality() if row.key != "c"]
    assert (known.key, known.unknown_cost_attempts) == ("a", 0)
    assert (unknown.key, unknown.cost_usd, unknown.unknown_cost_attempts) == ("b", None, 1)
    assert unknown.quality_share.value is None
    (total,) = judged.quality(by="total")
    assert (total.unknown_cost_attempts, total.quality_share.n) == (1, len(RUNS) + 12)


def test_shares_of_evaluation_sets_have_ends(judged: Ledger) -> None:
    """Of c: $0.50 of each $0.60, or $0.25 if 48 runs come, or $0.75 if 16 do."""
    (row,) = [row for row in judged.quality() if row.key == "c"]
    share = row.quality_share
    assert row.quality_cost_ratio == pytest.approx(5 / 6)
    assert (float(share.low or 0), float(share.high or 0)) == pytest.approx(
        (0.25 / 0.35, 0.75 / 0.85)
    )
    assert share.method == "wilson, ends of estimates"


def _key(by: str, day: dict[str, Any]) -> str:
    return {
        "total": "total", "agent": day["agent_name"], "tenant": day["tenant"],
        "version": f"{day['agent_name']} {day['agent_version']}".strip(),
    }[by]  # fmt: skip
