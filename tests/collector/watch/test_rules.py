"""The file of budgets and alerts: what it means, and what it cannot say."""

from __future__ import annotations

from datetime import datetime, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from spanledger_collector.errors import ConfigurationError
from spanledger_collector.watch import read_rules
from spanledger_collector.watch.rules import AlertRule, BudgetRule

PAGE = Path(__file__).parents[3] / "docs" / "budgets.md"


def read(tmp_path: Path, text: str) -> Any:
    path = tmp_path / "rules.yaml"
    path.write_text(text)
    return read_rules(path)


def test_a_budget_alerts_at_each_share_and_is_over_well_inside(tmp_path: Path) -> None:
    rules = read(tmp_path, 'budgets: [{name: acme, per: tenant, of: acme, limit_usd: "500"}]')
    bounds = [(c.threshold, c.resolve_at, c.limit_usd) for c in rules.conditions()]
    assert bounds == [(400, 380, 500), (500, 475, 500)]


@pytest.mark.parametrize(
    ("text", "threshold", "resolve_at"),
    [
        ('metric: rework_ratio, above: "0.2"', "0.2", "0.19"),
        ('metric: margin_usd, below: "-10"', "-10", "-9.5"),
        ('metric: margin_usd, below: "0", resolve_at: "5"', "0", "5"),
    ],
)
def test_an_alert_is_over_on_the_good_side(
    tmp_path: Path, text: str, threshold: str, resolve_at: str
) -> None:
    [one] = read(tmp_path, f"alerts: [{{name: a, {text}}}]").conditions()
    assert (one.threshold, one.resolve_at) == (Decimal(threshold), Decimal(resolve_at))


@example(Decimal(0), True, [Decimal(0)] * 2)  # 5 % of 0 is 0: both bounds are one
@given(
    st.decimals(-1000, 1000, places=3),
    st.booleans(),
    st.lists(st.decimals(-2000, 2000, places=3), max_size=20),
)
def test_between_the_bounds_an_alert_stays_as_it_is(
    bound: Decimal, above: bool, values: list[Decimal]
) -> None:
    """It begins at the threshold only, ends inside only, and is never both at one value."""
    side: dict[str, Any] = {"above" if above else "below": str(bound)}
    rule = AlertRule(name="a", metric="margin_usd", **side)
    from spanledger_collector.watch.rules import Rules

    [condition] = Rules(alerts=(rule,)).conditions()
    firing = False
    for value in values:
        bad = value >= bound if above else value < bound
        inside = value <= condition.resolve_at if above else value >= condition.resolve_at
        before, firing = firing, condition.fires(value, firing=firing)
        if bad:
            assert firing
        elif inside:
            assert not firing
        else:
            assert firing == before


@pytest.mark.parametrize(
    ("window", "now", "since", "until"),
    [
        ("day", "2026-11-27T23:59:59.5", "2026-11-27T00:00:00", "2026-11-28T00:00:00"),
        ("month", "2026-12-31T12:00:00", "2026-12-01T00:00:00", "2027-01-01T00:00:00"),
        ("rolling", "2026-11-27T12:30:00", "2026-11-26T12:30:00", "2026-11-27T12:30:00"),
    ],
)
def test_windows_hold_their_moment(window: Any, now: str, since: str, until: str) -> None:
    rule = BudgetRule(name="b", limit_usd="1", window=window)  # pyright: ignore[reportArgumentType] -- as YAML has it
    found = rule.at(datetime.fromisoformat(now).replace(tzinfo=timezone.utc))
    told = [moment.replace(tzinfo=None).isoformat() for moment in (found.since, found.until)]
    assert told == [since, until]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[1]", "rules.yaml"),
        ("budgets: [", "cannot be read"),
        ("budgets: [{name: b}]", "limit_usd"),
        ("budgets: [{name: b, limit_usd: 5}]", 'write the number as a quoted string: "5"'),
        ('budgets: [{name: b, limit_usd: "-5"}]', "greater than 0"),
        ('budgets: [{name: b, of: x, limit_usd: "5"}]', "give `per` too"),
        ('budgets: [{name: b, per: user, limit_usd: "5"}]', "per"),
        ('budgets: [{name: b, limit_usd: "5", limits: 1}]', "limits"),
        ('budgets: [{name: b, limit_usd: "5", hours: 3}]', "`hours` needs `window: rolling`"),
        ('budgets: [{name: b, limit_usd: "5", window: day, hours: 3}]', "`window: rolling`"),
        (
            'budgets: [{name: b, limit_usd: "5", alert_at: ["1", "0.5", "1.0"]}]',
            "1.0 in `alert_at` twice",
        ),
        ('budgets: [{name: b, limit_usd: "5", limit_usd: "50"}]', "'limit_usd' is given twice"),
        ("alerts: []\nbudgets: []\nalerts: []", "line 3: 'alerts' is given twice"),
        ("alerts: [{name: a, metric: cost_usd}]", "either `above` or `below`"),
        ('alerts: [{name: a, metric: cost_usd, above: "1", below: "2"}]', "either"),
        ('alerts: [{name: a, metric: cost, above: "1"}]', "metric"),
        ('alerts: [{name: a, metric: runs, per: model, above: "1"}]', "no one model"),
        ('alerts: [{name: a, metric: runs, above: "1", resolve_at: "2"}]', "good side"),
        ("webhook: {url: ftp://x}", "url"),
        (
            'budgets: [{name: a, limit_usd: "5"}]\nalerts: [{name: a, metric: runs, above: "1"}]',
            "several rules are called a",
        ),
    ],
)
def test_what_cannot_be_is_named(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read(tmp_path, text)
    assert told in str(caught.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"alert rules of .*none\.yaml cannot be read"):
        read_rules(tmp_path / "none.yaml")
