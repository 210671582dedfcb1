"""What was paid twice: rates and reasons agree with the runs, by any key."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from decimal import Decimal
from io import StringIO
from typing import Any, cast, get_args

import httpx
import orjson
import pytest
from rich.console import Console
from tests.collector.settle import scene
from tests.support.served_ledger import served
from tests.support.writer_ledger import RUNS, Drawn

from spanledger_collector.cli.agents import agents_table
from spanledger_collector.errors import PermanentError
from spanledger_collector.estimate import Joint, part_interval
from spanledger_collector.query import DirectReader, Ledger
from spanledger_collector.query.keys import version_key
from spanledger_collector.query.rework import ReworkBy
from spanledger_collector.store import Store


@pytest.fixture
def ledger(written: Store) -> Iterator[Ledger]:
    with Ledger(DirectReader(written)) as found:
        yield found


@pytest.mark.parametrize("version", ["1", "2"])
def test_rate_and_multiplier_are_those_of_the_runs(ledger: Ledger, version: str) -> None:
    """Each wasted call of a version, its cost, and what a dollar of used work cost."""
    runs = [run for run in RUNS if run.version == version]
    report = ledger.rework(by="version", agent_name="writer")
    found = {row.key: row for row in report.rates}[f"writer {version}"]
    again = sum(run.wasted_tokens > 0 for run in runs)
    assert (found.attempts, found.rework_attempts) == (len(runs) + again, again)
    cost, wasted = (
        sum(each, Decimal(0)) for each in zip(*((r.cost, r.wasted) for r in runs), strict=True)
    )
    assert (found.cost_usd, found.rework_cost_usd) == (cost, wasted)
    assert found.rework_multiplier == pytest.approx(float(cost / (cost - wasted)))
    assert found.rework_cost_ratio == pytest.approx(float(wasted / cost))
    assert found.rework_rate.method == "wilson"
    assert (found.rework_rate.low or 0) < (found.rework_rate.value or 0)
    (why,) = [row for row in report.reasons if row.key == f"writer {version}"]
    assert (why.rework_reason, why.attempts, why.cost_usd) == ("regenerated", again, wasted)


@pytest.mark.parametrize("by", ["version", "model", "total"])
def test_the_intervals_are_those_of_the_runs(ledger: Ledger, by: ReworkBy) -> None:
    """Reckoned by runs, whatever the key is: each run wastes what it wastes at once."""

    def key(run: Drawn) -> str:
        named = {"version": f"writer {run.version}", "model": f"acme/{run.model}"}
        return named.get(by, "total")

    report = ledger.rework(by=by, agent_name="writer")
    for row in report.rates:
        runs = [run for run in RUNS if key(run) == row.key]
        joint = Joint.of([float(r.wasted) for r in runs], [float(r.cost) for r in runs])
        expected = part_interval(joint)
        share, multiplier = row.rework_share, row.multiplier
        assert (share.n, share.method) == (len(runs), expected.method)
        assert share.low is not None
        assert share.high is not None
        ends = float(share.low), float(share.high)
        assert ends == pytest.approx((expected.low, expected.high), rel=1e-9)
        assert multiplier.low == pytest.approx(1 / (1 - share.low), rel=Decimal("1e-11"))
        assert multiplier.high == pytest.approx(1 / (1 - share.high), rel=Decimal("1e-11"))
    total = ledger.agent("writer").total
    (whole,) = ledger.rework(by="agent", agent_name="writer").rates
    assert whole.rework_share.low == pytest.approx(total.rework_share.low, rel=Decimal("1e-9"))


def test_every_screen_says_the_same_share(reworked: Ledger) -> None:
    """Half the work was wasted, whoever is asked: judging it is no work.

    Work 0.10 + 0.10, of it 0.10 wasted; appraisal 0.05; a call of unknown cost.
    """
    (rate,) = reworked.rework(by="agent").rates
    report = reworked.agent("checked")
    (version,) = report.groups
    (total,) = reworked.economics_by("total")
    spent = {row["per"]: row for row in reworked.query("spent_by")}
    assert (rate.rework_cost_ratio, rate.rework_multiplier) == (0.5, 2.0)
    for sums in (report.total.sums, version.sums, total):
        assert (sums.rework_cost_ratio, sums.rework_multiplier) == (0.5, 2.0)
        assert (sums.cost_usd, sums.work_cost_usd) == (Decimal("0.25"), Decimal("0.2"))
    assert report.total.rework_share.value == version.rework_share.value == Decimal("0.5")
    for one in (spent["agent"], spent["workspace"]):
        assert one["rework_cost_ratio"] == 0.5
        assert (one["unknown_attempts"], one["unknown_work_attempts"]) == (1, 1)
        assert one["unknown_rework_attempts"] == 0


@pytest.fixture
def reworked(store: Store) -> Iterator[Ledger]:
    judging = {"spanledger.purpose": "appraisal"}
    rows = [
        scene.span(1, 0, "agent", agent_name="checked", agent_version="1"),
        scene.call(2, 1, (10, 0)),
        scene.call(3, 1, (10, 0), rework_of=2, rework_reason="regenerated", at=1),
        scene.call(4, 1, (5, 0), attributes=judging, at=2),
        scene.call(5, 1, (7, 0), request_model="unknown-x", at=3),
    ]
    with store.connect() as connection:
        scene.publish(connection, [scene.price("m1", input="0.01")])
        scene.load(connection, rows)
    scene.settle(store, [1])
    with Ledger(DirectReader(store)) as found:
        yield found


def test_runs_and_sums_say_how_much_of_the_waste_is_unknown(filled: Store) -> None:
    """As the report does: the retried attempt that timed out may have been billed."""
    with Ledger(DirectReader(filled)) as ledger:
        (whole,) = ledger.rework(by="total").rates
        (total,) = ledger.economics_by("total")
        told = [
            total.unknown_rework_attempts,
            sum(row.unknown_rework_attempts for row in ledger.runs(limit=1000)),
            sum(row.unknown_rework_attempts for row in ledger.agents()),
            sum(row.unknown_rework_attempts for row in ledger.attempts_by("model")),
        ]
        assert told == [whole.unknown_rework_attempts] * 4 != [0] * 4
        (planner,) = [row for row in ledger.agents() if row.agent_name == "planner"]
        sums = ledger.agent("planner").total.sums
        assert sums.unknown_rework_attempts == planner.unknown_rework_attempts == 1
        assert sums.inclusive_unknown_rework_attempts >= 1
        out = Console(file=StringIO(), width=250)
        out.print(agents_table([planner]))
        assert "\N{GREATER-THAN OR EQUAL TO}$0" in cast("StringIO", out.file).getvalue()


@pytest.mark.parametrize("by", ["agent", "version", "model", "prompt", "tenant"])
def test_keys_are_parts_of_the_total(ledger: Ledger, by: str) -> None:
    (total,) = ledger.rework(by="total").rates
    report = ledger.rework(by=by)  # type: ignore[arg-type] -- all are
    assert sum(row.attempts for row in report.rates) == total.attempts
    assert sum(row.rework_attempts for row in report.rates) == total.rework_attempts
    assert sum(row.attempts for row in report.reasons) == total.rework_attempts
    assert sum(row.rework_cost_usd or 0 for row in report.rates) == total.rework_cost_usd


def test_what_was_wasted_at_unknown_cost_says_so(filled: Store) -> None:
    """A retry after a timeout is counted among those of unknown cost."""
    with Ledger(DirectReader(filled)) as ledger:
        report = ledger.rework()
    reasons = {(row.key, row.rework_reason): row for row in report.reasons}
    retried = reasons["planner", "transport_retry"]
    assert (retried.attempts, retried.wait_seconds) == (2, 1.75)
    # The one that timed out may have been billed; the 429 and the 500 were not.
    assert (retried.cost_usd, retried.unknown_cost_attempts) == (0, 1)
    failed = reasons["researcher", "failed"]
    assert (failed.cost_usd, failed.unknown_cost_attempts) == (0, 0)
    with pytest.raises(PermanentError, match="by 'colour' is none of total, agent"):
        ledger.rework(by="colour")  # type: ignore[arg-type] -- that is the test


def test_the_api_gives_the_same(written: Store, ledger: Ledger) -> None:
    with served(written) as api, httpx.Client(base_url=api.url, timeout=300) as client:
        answer = client.get("/v1/rework", params={"by": "model", "agent": "writer"})
        expected = asdict(ledger.rework(by="model", agent_name="writer"))
        assert answer.json() == orjson.loads(orjson.dumps(expected, default="{:f}".format))


@pytest.mark.parametrize("by", get_args(ReworkBy))
def test_the_report_has_the_sums_of_the_views(filled: Store, written: Store, by: ReworkBy) -> None:
    """By any key: what dashboards sum of the views is what the report reads at once."""
    for store in (filled, written):
        with Ledger(DirectReader(store)) as ledger:
            report = ledger.rework(by=by)
            work = ledger.arrow("rework_rate").to_pylist()
            wasted = ledger.arrow("rework").to_pylist()
        rates = {row.key: row for row in report.rates}
        assert set(rates) == {_key(by, row) for row in work}
        for key, rate in rates.items():
            mine = [row for row in work if _key(by, row) == key]
            assert rate.attempts == sum(row["attempts"] for row in mine)
            assert rate.rework_attempts == sum(row["rework_attempts"] for row in mine)
            assert rate.cost_usd == _sum(row["cost_usd"] for row in mine)
            assert rate.rework_cost_usd == _sum(row["rework_cost_usd"] for row in mine)
        told = {(row.key, row.rework_reason): row for row in report.reasons}
        assert set(told) == {(_key(by, row), row["rework_reason"]) for row in wasted}
        for name, reason in told.items():
            mine = [row for row in wasted if (_key(by, row), row["rework_reason"]) == name]
            assert reason.cost_usd == _sum(row["cost_usd"] for row in mine)
            for field in ("attempts", "input_tokens", "output_tokens", "unknown_cost_attempts"):
                assert getattr(reason, field) == sum(row[field] for row in mine)


def _key(by: str, row: dict[str, Any]) -> str:
    if by == "model":
        return f"{row['provider']}/{row['model']}"
    if by in ("version", "prompt"):
        what = "agent" if by == "version" else "prompt"
        return version_key(row[f"{what}_name"], row[f"{what}_version"])
    return {"total": "total", "agent": row["agent_name"], "tenant": row["tenant"]}[by]


def _sum(amounts: Iterable[Decimal | None]) -> Decimal | None:
    """NULL where nothing is known."""
    known = [amount for amount in amounts if amount is not None]
    return sum(known, Decimal(0)) if known else None
