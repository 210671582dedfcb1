"""What the ledger says of the rules: one query for each window and kind of metric that is asked."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from spanledger_collector.query import EarnedByRow, SpentByRow, parse_rows
from spanledger_collector.query.waste import Bound, bound

from .rules import EARNED, BudgetRule, Condition, Rules, Span

#: Asks a named query: ``Ledger.query``, or a reader's with its workspace.
Ask = Callable[[str, Mapping[str, object]], list[dict[str, Any]]]
Key = tuple[str, str]

#: Names of one rule that are told; of more, the worst. All are judged.
MAX_KEYS = 500
#: Before this part of a window is over, nothing is projected to its end.
_EARLY = Decimal("0.02")


@dataclass(frozen=True, slots=True)
class BudgetRow:
    """One budget of one agent, tenant, model or workspace, now.

    Attributes:
        key: whose it is; empty = the whole workspace.
        left_usd: negative where the limit is passed.
        projected_usd: what will be spent at the end of the window if it goes on as it did; None
            where the window is too young to tell. Of a rolling window, what is spent.
        unknown_attempts: attempts whose cost is not known: ``spent_usd`` is a lower bound then.
        state: ``ok``, ``warning`` from the lowest share that alerts, ``exceeded`` from the limit.
    """

    name: str
    workspace: str
    per: str
    key: str
    window: str
    since: datetime
    until: datetime
    limit_usd: Decimal
    spent_usd: Decimal
    left_usd: Decimal
    projected_usd: Decimal | None
    unknown_attempts: int
    state: str


@dataclass(frozen=True, slots=True)
class Reading:
    """The value of one condition for one key; None = nobody can tell.

    Attributes:
        count: of attempts (runs) that it is a figure of.
        bound: what the value is of the true one, where costs are not known; empty = it is that.
    """

    condition: Condition
    key: str
    value: Decimal | None
    count: int
    window: Span
    bound: Bound = ""


class Readings:
    """The ledger's figures of a moment, asked once a window.

    Args:
        ask: asks a named query.
        now: the moment.
    """

    def __init__(self, ask: Ask, now: datetime) -> None:
        self._ask = ask
        self.now = now
        self._spent: dict[tuple[str, Span], dict[Key, SpentByRow]] = {}
        self._earned: dict[tuple[str, Span], dict[Key, EarnedByRow]] = {}

    def spent(self, workspace: str, window: Span) -> Mapping[Key, SpentByRow]:
        """Of attempts, by kind and name."""
        place = (workspace, window)
        if place not in self._spent:
            rows = parse_rows(SpentByRow, self._ask("spent_by", _parameters(*place)))
            self._spent[place] = {(row.per, row.key): row for row in rows}
        return self._spent[place]

    def earned(self, workspace: str, window: Span) -> Mapping[Key, EarnedByRow]:
        """Of runs, by kind and name."""
        place = (workspace, window)
        if place not in self._earned:
            rows = parse_rows(EarnedByRow, self._ask("earned_by", _parameters(*place)))
            self._earned[place] = {(row.per, row.key): row for row in rows}
        return self._earned[place]

    def of(self, condition: Condition, firing: Iterable[str] = ()) -> Iterator[Reading]:
        """The values of a condition: of its name, or of every name there is or that fires."""
        source = condition.source
        window = source.at(self.now)
        table: Mapping[Key, SpentByRow | EarnedByRow] = (
            self.earned(source.workspace, window)
            if condition.metric in EARNED
            else self.spent(source.workspace, window)
        )
        for key in dict.fromkeys([*_keys(table, source.per, source.of), *firing]):
            row = table.get((source.per, key))
            value, count = _value(condition.metric, row)
            bound = _bound(condition, row) if value is not None else ""
            yield Reading(condition, key, value, count, window, bound)


def budgets_of(rules: Rules, ask: Ask, now: datetime) -> list[BudgetRow]:
    """Every budget with what is spent of it."""
    return budget_rows(rules.budgets, Readings(ask, now))


def budget_rows(budgets: Iterable[BudgetRule], readings: Readings) -> list[BudgetRow]:
    """The same from figures that were asked already."""
    rows: list[BudgetRow] = []
    for budget in budgets:
        window = budget.at(readings.now)
        table = readings.spent(budget.workspace, window)
        found = [
            _budget_row(budget, window, key, table.get((budget.per, key)), readings.now)
            for key in _keys(table, budget.per, budget.of)
        ]
        rows += heapq.nlargest(MAX_KEYS, found, key=_spent) if len(found) > MAX_KEYS else found
    return rows


def _budget_row(
    budget: BudgetRule, window: Span, key: str, row: SpentByRow | None, now: datetime
) -> BudgetRow:
    spent = (row.cost_usd if row is not None else None) or Decimal(0)
    state = "ok"
    if spent >= budget.limit_usd:
        state = "exceeded"
    elif budget.alert_at and spent >= min(budget.alert_at) * budget.limit_usd:
        state = "warning"
    return BudgetRow(
        name=budget.name,
        workspace=budget.workspace,
        per=budget.per,
        key=key,
        window=budget.window_name,
        since=window.since,
        until=window.until,
        limit_usd=budget.limit_usd,
        spent_usd=spent,
        left_usd=budget.limit_usd - spent,
        projected_usd=spent if budget.window == "rolling" else _projected(spent, window, now),
        unknown_attempts=row.unknown_attempts if row is not None else 0,
        state=state,
    )


def _projected(spent: Decimal, window: Span, now: datetime) -> Decimal | None:
    """Straight on at the rate of the window so far."""
    whole = Decimal(str((window.until - window.since).total_seconds()))
    over = Decimal(str((now - window.since).total_seconds()))
    return round(spent * whole / over, 12) if over >= whole * _EARLY else None


def _parameters(workspace: str, window: Span) -> dict[str, object]:
    return {"workspace": workspace, "since": window.since, "until": window.until}


def _keys(table: Iterable[Key], per: str, of: str | None) -> list[str]:
    """The name that a rule has, or all that there are; what has no name is nobody's."""
    if of is not None or per == "workspace":
        return [of or ""]
    return [key for kind, key in table if kind == per and key]


def _spent(row: BudgetRow) -> Decimal:
    return row.spent_usd


def _value(metric: str, row: SpentByRow | EarnedByRow | None) -> tuple[Decimal | None, int]:
    """The metric and what it is a figure of: attempts, or runs."""
    if row is None:
        return (Decimal(0) if metric in _SUMS else None), 0
    if isinstance(row, SpentByRow):
        return _SPENT[metric](row), row.attempts
    asked = row.successes + row.failures
    return _EARNED[metric](row), asked if metric == "success_ratio" else row.runs


def _bound(condition: Condition, row: SpentByRow | EarnedByRow | None) -> Bound:
    """What a value is of the true one.

    A cost that may not rise above something is judged by what is known of it, as budgets are: a
    new window has to end what fired in the last, whatever is not known in it.
    """
    if isinstance(row, SpentByRow):
        if condition.metric == "rework_ratio":
            return bound(row.unknown_work_attempts, row.unknown_rework_attempts)
        is_least = condition.metric == "cost_usd" and not condition.above
        return "at least" if is_least and row.unknown_attempts else ""
    return _EARNED_BOUNDS.get(condition.metric, "") if row and row.inclusive_uncosted_runs else ""


def _wasted(row: SpentByRow) -> Decimal | None:
    """The share wasted; beside unknown costs of what was wasted and of what was used none."""
    unknown, wasted = row.unknown_work_attempts, row.unknown_rework_attempts
    if unknown and not bound(unknown, wasted):
        return None
    ratio = row.rework_cost_ratio
    return None if ratio is None else Decimal(repr(ratio))


def _ratio(part: Decimal | int | None, whole: Decimal | int | None) -> Decimal | None:
    return None if part is None or not whole else Decimal(part) / Decimal(whole)


#: Metrics that are 0 where nothing happened.
_SUMS = frozenset({"cost_usd", "attempts", "refused_calls", "runs"})
_SPENT: Mapping[str, Callable[[SpentByRow], Decimal | None]] = {
    "cost_usd": lambda row: row.cost_usd,
    "attempts": lambda row: Decimal(row.attempts),
    "failed_ratio": lambda row: _ratio(row.failed_attempts, row.attempts),
    "refused_calls": lambda row: Decimal(row.refused_calls),
    "rework_ratio": _wasted,
    "unknown_ratio": lambda row: _ratio(row.unknown_attempts, row.attempts),
}
#: Of an agent with its sub-agents: what hands more on does not earn more for that.
_EARNED: Mapping[str, Callable[[EarnedByRow], Decimal | None]] = {
    "runs": lambda row: Decimal(row.runs),
    "success_ratio": lambda row: _ratio(row.successes, row.successes + row.failures),
    "value_usd": lambda row: row.inclusive_value_usd,
    "margin_usd": lambda row: row.inclusive_margin_usd,
    "cost_per_success_usd": lambda row: row.inclusive_cost_per_success_usd,
}
#: With runs whose cost is not known.
_EARNED_BOUNDS: Mapping[str, Bound] = {
    "margin_usd": "at most",
    "cost_per_success_usd": "at least",
}
