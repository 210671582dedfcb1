"""Rules against a real ledger: what is read, what fires, what is kept and told."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from tests.collector.watch.given import Row, alert, budget, rules
from tests.collector.watch.receiver import receiving

from spanledger_collector.errors import StoreUnavailableError
from spanledger_collector.query import EarnedByRow, SpentByRow
from spanledger_collector.watch import Rules, Watcher, WatchMetrics, Webhook
from spanledger_collector.watch.evaluation import MAX_KEYS
from spanledger_collector.watch.rules import WebhookTarget


class Told:
    """A ledger that says of the tenant acme what it is told to."""

    def __init__(self) -> None:
        self.cost: Decimal | None = Decimal(0)
        self.attempts = 10
        self.away = False
        self.gone = False

    def rows(self, name: str, parameters: Mapping[str, object]) -> list[Row]:
        assert (name, sorted(parameters)) == ("spent_by", ["since", "until", "workspace"])
        if self.away:
            raise StoreUnavailableError("it is away")
        row = {
            "per": "tenant", "key": "acme", "attempts": self.attempts, "failed_attempts": 0,
            "refused_calls": 0, "unknown_attempts": 0, "cost_usd": self.cost,
            "rework_cost_usd": self.cost, "rework_cost_ratio": 1.0 if self.cost else None,
            "unknown_work_attempts": 0, "unknown_rework_attempts": 0,
        }  # fmt: skip
        return [] if self.gone else [row]


NOW = datetime(2026, 11, 27, 12, tzinfo=timezone.utc)
LIMITED = rules(budgets=[budget(per="tenant", limit_usd="100")])


def firing(watcher: Watcher, minutes: int = 0) -> list[int]:
    """The thresholds that fire after a look."""
    picture = watcher.look(NOW + timedelta(minutes=minutes))
    return [int(row.threshold) for row in picture.alerts if row.firing_since is not None]


def test_an_alert_begins_at_its_bound_and_ends_well_inside() -> None:
    told = Told()
    watcher = Watcher(LIMITED, told, settled=lambda: 0)
    seen = []
    for cost in (79, 80, 79, 77, 76, 100, 96, 95, None):
        told.cost = None if cost is None else Decimal(cost)
        seen.append(firing(watcher))
    # None: nobody can tell, so it stays as it was.
    assert seen == [[], [80], [80], [80], [], [80, 100], [80, 100], [80], [80]]
    told.gone = True
    assert firing(watcher) == []


class Many:
    """A ledger of many tenants; of the first ones it says what it is told to."""

    def __init__(self, tenants: int, bad: int) -> None:
        self.margin, self.cost = Decimal(-100), Decimal(2)
        self._tenants, self._bad = tenants, bad

    def rows(self, name: str, parameters: Mapping[str, object]) -> list[Row]:
        assert sorted(parameters) == ["since", "until", "workspace"]
        row = dict.fromkeys((f.name for f in fields(_ROWS[name])), 0)
        return [
            {**row, "per": "tenant", "key": f"t{number:03}", **self._figures(number < self._bad)}
            for number in range(self._tenants)
        ]

    def _figures(self, bad: bool) -> Row:
        return {
            "runs": 10, "successes": 10 - 10 * bad, "failures": 10 * bad, "attempts": 10,
            "inclusive_margin_usd": self.margin if bad else Decimal(5),
            "cost_usd": self.cost if bad else Decimal(2),
        }  # fmt: skip


_ROWS: Mapping[str, type] = {"spent_by": SpentByRow, "earned_by": EarnedByRow}


def test_every_name_is_judged_and_the_worst_are_told(caplog: pytest.LogCaptureFixture) -> None:
    """More than are told of: those below a bound, as many as there are above one, and their end."""
    told = Many(MAX_KEYS + 100, bad=50)
    per = {"per": "tenant", "window": "day"}
    asked = rules(
        budgets=[budget(alert_at=["1"], **per)],
        alerts=[alert("margin_usd", below="0", **per), alert("success_ratio", below="0.5", **per)],
    )
    watcher = Watcher(asked, told, settled=lambda: 0)

    names = ("b", "margin_usd", "success_ratio")

    def changed() -> list[int]:
        caplog.clear()
        watcher.look(NOW)
        lines = [record.message for record in caplog.records]
        return [sum(f"alert {name} " in line for line in lines) for name in names]

    assert changed() == [MAX_KEYS + 100, 50, 50]
    assert watcher.picture is not None
    for name in names:
        rows = [row for row in watcher.picture.alerts if row.rule == name]
        firing = [row.key for row in rows if row.firing_since is not None]
        assert (len(rows), len(firing)) == (MAX_KEYS, MAX_KEYS if name == "b" else 50)
    told.margin, told.cost = Decimal(1), Decimal(0)
    assert changed() == [50, 50, 0]  # over, also of those that are told no longer


class Earned:
    """A ledger in which the workspace earned what it is told to, with costs that are not known."""

    def __init__(self) -> None:
        self.figure, self.unpriced = Decimal(0), 1

    def rows(self, name: str, parameters: Mapping[str, object]) -> list[Row]:
        assert sorted(parameters) == ["since", "until", "workspace"]
        row = dict.fromkeys((f.name for f in fields(_ROWS[name])), 0)
        figures = {
            "inclusive_margin_usd": self.figure, "inclusive_cost_per_success_usd": self.figure,
            "inclusive_uncosted_runs": self.unpriced, "unknown_attempts": self.unpriced,
            "cost_usd": self.figure, "runs": 1, "attempts": 1,
        }  # fmt: skip
        return [{**row, "per": "workspace", "key": "", **figures}]


@pytest.mark.parametrize(
    ("metric", "side", "bound", "begins", "ends"),
    [
        ("margin_usd", "below", "at most", True, False),
        ("margin_usd", "above", "at most", False, True),
        ("cost_per_success_usd", "above", "at least", True, False),
        ("cost_per_success_usd", "below", "at least", False, True),
        ("cost_usd", "above", "", True, True),  # as a budget: by what is known
        ("cost_usd", "below", "at least", False, True),
    ],
)
def test_a_bound_decides_only_what_the_true_value_cannot_turn(
    metric: str, side: str, bound: str, begins: bool, ends: bool
) -> None:
    told = Earned()
    watcher = Watcher(rules(alerts=[alert(metric, **{side: "10"})]), told, settled=lambda: 0)

    def fires(figure: int, unpriced: int) -> bool:
        told.figure, told.unpriced = Decimal(figure), unpriced
        [row] = watcher.look(NOW).alerts
        assert row.bound == (bound if unpriced else "")
        return row.firing_since is not None

    bad, good = (20, 0) if side == "above" else (0, 20)
    assert fires(bad, 1) == begins
    assert fires(bad, 0)
    assert fires(good, 1) != ends
    assert not fires(good, 0)


class Reworked:
    """A ledger in which so much of the work was wasted, with attempts whose cost is not known."""

    def __init__(self) -> None:
        self.ratio, self.used, self.wasted = 0.0, 0, 0

    def rows(self, name: str, parameters: Mapping[str, object]) -> list[Row]:
        assert (name, sorted(parameters)) == ("spent_by", ["since", "until", "workspace"])
        row = dict.fromkeys((f.name for f in fields(SpentByRow)), 0)
        figures = {
            "rework_cost_ratio": self.ratio, "attempts": 10,
            "unknown_work_attempts": self.used + self.wasted,
            "unknown_rework_attempts": self.wasted,
        }  # fmt: skip
        # What judged or guarded is no work: its unknown costs are in no ratio.
        unknown = self.used + self.wasted + 3
        return [{**row, "per": "workspace", "key": "", "unknown_attempts": unknown, **figures}]


@pytest.mark.parametrize(
    ("side", "unknown", "bound", "begins", "ends"),
    [
        ("above", (1, 0), "at most", False, True),
        ("above", (0, 1), "at least", True, False),
        ("below", (1, 0), "at most", True, False),
        ("below", (0, 1), "at least", False, True),
        ("above", (1, 1), None, False, False),  # nobody can tell
        ("below", (1, 1), None, False, False),
    ],
)
def test_unknown_costs_leave_the_share_wasted_a_bound(
    side: str, unknown: tuple[int, int], bound: str | None, begins: bool, ends: bool
) -> None:
    told = Reworked()
    ask = alert("rework_ratio", **{side: "0.5"})
    watcher = Watcher(rules(alerts=[ask]), told, settled=lambda: 0)

    def fires(ratio: float, *, is_known: bool) -> bool:
        told.ratio = ratio
        told.used, told.wasted = (0, 0) if is_known else unknown
        [row] = watcher.look(NOW).alerts
        if is_known:
            assert row.bound == ""
        else:
            assert (row.value is None) == (bound is None)
            assert row.bound == (bound or "")
        return row.firing_since is not None

    bad, good = (0.8, 0.2) if side == "above" else (0.2, 0.8)
    assert fires(bad, is_known=False) == begins
    assert fires(bad, is_known=True)
    assert fires(good, is_known=False) != ends
    assert not fires(good, is_known=True)


def test_a_ratio_of_too_few_is_not_judged() -> None:
    told = Told()
    told.cost, told.attempts = Decimal(1), 9
    ask = alert("rework_ratio", per="tenant", above="0.5", at_least=10)
    watcher = Watcher(rules(alerts=[ask]), told, settled=lambda: 0)
    assert watcher.look(NOW).alerts[0].firing_since is None
    told.attempts = 10
    assert watcher.look(NOW).alerts[0].firing_since == NOW


def test_transitions_are_told_once_also_over_a_restart(tmp_path: Path) -> None:
    told = Told()
    path = tmp_path / "alerts.json"
    with receiving() as receiver:
        target = Rules.model_validate({"webhook": {"url": receiver.url}}).webhook
        assert target is not None

        def watched(cost: int, minutes: int) -> None:
            webhook = Webhook(target)
            webhook.start()
            told.cost = Decimal(cost)
            watcher = Watcher(LIMITED, told, settled=lambda: 0, state_path=path, webhook=webhook)
            for _ in range(2):
                watcher.look(NOW + timedelta(minutes=minutes))
            webhook.stop(60)

        watched(85, 0)
        watched(120, 5)
        watched(10, 9)
    bodies = [json.loads(body) for _, body in receiver.messages]
    assert [(b["status"], b["threshold"], b["firing_since"][14:16]) for b in bodies] == [
        ("firing", "80.0", "00"),
        ("firing", "100", "05"),
        ("resolved", "80.0", "00"),
        ("resolved", "100", "05"),
    ]
    assert len({body["id"] for body in bodies}) == 4


def test_what_fires_ends_with_its_rule_or_its_bound(tmp_path: Path) -> None:
    """With a message, for who got the first one waits for it; also after the file was changed."""
    told = Told()
    told.cost = Decimal(120)
    path = tmp_path / "alerts.json"

    def changes(limit: str, *, alerts: int = 1) -> list[tuple[str, str, str]]:
        given: Row = {"window": "rolling", "hours": 3, "per": "tenant"}
        asked = rules(
            budgets=[budget(limit_usd=limit, alert_at=["1"], **given)],
            alerts=[alert("cost_usd", above="110", per="tenant")] * alerts,
        )
        with receiving() as receiver:
            webhook = Webhook(WebhookTarget(url=receiver.url))
            webhook.start()
            watcher = Watcher(asked, told, settled=lambda: 0, state_path=path, webhook=webhook)
            watcher.look(NOW)
            watcher.look(NOW)
            webhook.stop(60)
        bodies = [json.loads(body) for _, body in receiver.messages]
        for body in bodies:
            assert (body["metric"], body["per"], body["key"]) == ("cost_usd", "tenant", "acme")
            hours = 3 if body["rule"] == "b" else 24 * 30
            since = datetime.fromisoformat(body["window"]["since"])
            assert datetime.fromisoformat(body["window"]["until"]) - since == timedelta(hours=hours)
            assert body["limit_usd"] == (body["threshold"] if body["rule"] == "b" else None)
        return [(body["status"], body["rule"], body["threshold"]) for body in bodies]

    assert changes("100") == [("firing", "b", "100"), ("firing", "cost_usd", "110")]
    assert changes("100") == []
    assert changes("90") == [("resolved", "b", "100"), ("firing", "b", "90")]
    assert changes("90", alerts=0) == [("resolved", "cost_usd", "110")]
    assert changes("500", alerts=0) == [("resolved", "b", "90")]
    path.write_text('[["b", "acme", "7", "2026-11-27T11:00:00+00:00"]]')  # of an earlier release
    assert changes("500", alerts=0) == []
    assert json.loads(path.read_text()) == []


def test_a_damaged_state_is_told_and_left(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "alerts.json"
    path.write_text("[[")
    told = Told()
    told.cost = Decimal(90)
    assert firing(Watcher(LIMITED, told, settled=lambda: 0, state_path=path)) == [80]
    assert "cannot be read; alerts that fire are told again" in caplog.text


def test_the_thread_looks_when_something_was_settled_and_survives_the_ledger(
    caplog: pytest.LogCaptureFixture,
) -> None:
    told = Told()
    told.away = True
    settled = [0]
    watcher = Watcher(LIMITED, told, settled=lambda: settled[0], interval_seconds=0.005)
    watcher.start()
    try:
        _until(lambda: watcher.failures >= 2)
        assert watcher.picture is None
        told.away = False
        _until(lambda: watcher.picture is not None)
        first = watcher.picture
        settled[0] += 1
        _until(lambda: watcher.picture is not first)
    finally:
        watcher.stop(60)
    assert not watcher.running
    assert caplog.text.count("cannot be evaluated now") == 1


def _until(done: Any) -> None:

    deadline = time.monotonic() + 20
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def test_prometheus_sees_the_same() -> None:
    told = Told()
    told.cost = Decimal("92.5")
    watcher = Watcher(LIMITED, told, settled=lambda: 0)
    registry = CollectorRegistry()
    registry.register(WatchMetrics(lambda: watcher, None))
    labels = {"budget": "b", "workspace": "default", "per": "tenant", "key": "acme"}
    assert registry.get_sample_value("spanledger_budget_spent_usd", labels) is None
    watcher.look(NOW)
    assert registry.get_sample_value("spanledger_budget_spent_usd", labels) == 92.5
    assert registry.get_sample_value("spanledger_budget_limit_usd", labels) == 100
    alerting = {**labels, "rule": "b", "metric": "cost_usd"}
    del alerting["budget"]
    for threshold, fires in (("80", 1), ("100", 0)):
        told_of = {**alerting, "threshold": threshold}
        assert registry.get_sample_value("spanledger_alert_firing", told_of) == fires
