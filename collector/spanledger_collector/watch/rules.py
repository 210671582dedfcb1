"""The file of budgets and alerts, in YAML.

::

    webhook: { url: https://hooks.example.com/spanledger }   # signed: SPANLEDGER_WEBHOOK_SECRET
    budgets:
      - { name: acme, per: tenant, of: acme, limit_usd: "500", alert_at: ["0.8", "1"] }   # a month
      - { name: agents, per: agent, window: day, limit_usd: "50" }                # each agent's
    alerts:
      - { name: rework, metric: rework_ratio, per: agent, window: rolling, hours: 24, above: "0.2" }
      - { name: losing, metric: margin_usd, window: day, below: "0", resolve_at: "10" }

Amounts and ratios are quoted strings, so that they stay exact. A budget alerts at each share of its
limit that ``alert_at`` names. ``of`` is one name; left out, every agent, tenant or model counts for
itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal, get_args

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from spanledger_collector.document import read_document
from spanledger_collector.query.waste import Bound

Per = Literal["workspace", "agent", "tenant", "model"]
WindowName = Literal["day", "month", "rolling"]
#: Of attempts of model calls, then of runs (these not by model).
SpentMetric = Literal[
    "cost_usd", "attempts", "failed_ratio", "refused_calls", "rework_ratio", "unknown_ratio"
]
EarnedMetric = Literal["runs", "success_ratio", "value_usd", "margin_usd", "cost_per_success_usd"]
Metric = SpentMetric | EarnedMetric
EARNED: frozenset[str] = frozenset(get_args(EarnedMetric))
Unit = Literal["usd", "ratio", "count"]
Direction = Literal["above", "below"]
#: How far inside its threshold a value has to be before an alert is over.
_HYSTERESIS = Decimal("0.05")


def _quoted(value: object) -> object:
    if not isinstance(value, str):
        raise ValueError(f'write the number as a quoted string: "{value}"')  # noqa: TRY004 pydantic collects ValueError only
    return value


Number = Annotated[Decimal, BeforeValidator(_quoted), Field(allow_inf_nan=False)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=100)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True, slots=True)
class Span:
    """A window at a moment: [since, until), of which ``now`` is in."""

    since: datetime
    until: datetime


class _Windowed(_Strict):
    """What budgets and alerts have in common."""

    name: Name
    workspace: str = "default"
    per: Per = "workspace"
    of: str | None = None
    window: WindowName = "month"
    hours: Annotated[int, Field(ge=1, le=24 * 366)] = 24

    @model_validator(mode="after")
    def _scoped(self) -> _Windowed:
        if self.per == "workspace" and self.of is not None:
            raise ValueError(f"{self.name}: `of` names an agent, tenant or model; give `per` too")
        if "hours" in self.model_fields_set and self.window != "rolling":
            raise ValueError(f"{self.name}: `hours` needs `window: rolling`")
        return self

    @property
    def window_name(self) -> str:
        """The window in words: ``day``, ``month``, or so many hours."""
        return f"{self.hours} h" if self.window == "rolling" else self.window

    def at(self, now: datetime) -> Span:
        """The window that a moment lies in; a rolling one ends with it."""
        now = now.astimezone(timezone.utc)
        if self.window == "rolling":
            return Span(now - timedelta(hours=self.hours), now)
        day = now.replace(hour=0, minute=0, second=0, microsecond=0)
        if self.window == "day":
            return Span(day, day + timedelta(days=1))
        first = day.replace(day=1)
        return Span(first, (first + timedelta(days=32)).replace(day=1))


class BudgetRule(_Windowed):
    """What may be spent in a window; each share of the limit in ``alert_at`` is an alert."""

    limit_usd: Annotated[Number, Field(gt=0)]
    alert_at: tuple[Annotated[Number, Field(gt=0)], ...] = (Decimal("0.8"), Decimal(1))

    @model_validator(mode="after")
    def _shares_once(self) -> BudgetRule:
        for place, share in enumerate(self.alert_at):
            if share in self.alert_at[:place]:
                raise ValueError(f"{self.name}: {share} in `alert_at` twice: a share is told once")
        return self


class AlertRule(_Windowed):
    """A bound of a metric; nothing is judged of fewer attempts (runs) than ``at_least``."""

    metric: Metric
    above: Number | None = None
    below: Number | None = None
    resolve_at: Number | None = None
    at_least: Annotated[int, Field(ge=1)] = 1

    @model_validator(mode="after")
    def _bounded(self) -> AlertRule:
        if (self.above is None) == (self.below is None):
            raise ValueError(f"{self.name}: give either `above` or `below`")
        if self.metric in EARNED and self.per == "model":
            raise ValueError(f"{self.name}: {self.metric} is of runs, which have no one model")
        inside = self.resolve_at
        if inside is not None and (
            (self.above is not None and inside > self.above)
            or (self.below is not None and inside < self.below)
        ):
            raise ValueError(f"{self.name}: `resolve_at` has to be on the good side of the bound")
        return self


class WebhookTarget(_Strict):
    """Where transitions are sent."""

    url: Annotated[str, StringConstraints(pattern=r"^https?://[^\s/]+")]
    timeout_seconds: Annotated[float, Field(gt=0, le=60)] = 5.0


@dataclass(frozen=True, slots=True)
class Condition:
    """One bound that can fire for a key.

    Attributes:
        rule: its name.
        source: the rule it is made of.
        metric: what is read.
        threshold: the bound.
        above: fires at and above the threshold; else below it.
        resolve_at: the alert is over where the value is inside of this.
        at_least: attempts (runs) without which nothing is judged.
        limit_usd: of a budget.
    """

    rule: str
    source: _Windowed
    metric: Metric
    threshold: Decimal
    above: bool
    resolve_at: Decimal
    at_least: int
    limit_usd: Decimal | None = None

    @property
    def unit(self) -> Unit:
        """Of the metric, and so of its bound."""
        *_, last = self.metric.split("_")
        return "usd" if last == "usd" else "ratio" if last == "ratio" else "count"

    @property
    def direction(self) -> Direction:
        """On which side of the threshold it fires."""
        return "above" if self.above else "below"

    def fires(self, value: Decimal, *, firing: bool, bound: Bound = "") -> bool:
        """Whether it fires at this value, given whether it did before.

        Args:
            value: what was read.
            firing: whether it fires.
            bound: what the value is of the true one. It decides only what the true one cannot turn.
        """
        at_value = self._fires_at(value, firing=firing)
        if not bound:
            return at_value
        if (bound == "at least") == self.above:
            return firing or at_value
        return firing and at_value

    def _fires_at(self, value: Decimal, *, firing: bool) -> bool:
        if firing:
            # At the bound itself it goes on, also where both bounds are one (5 % of 0 is 0).
            if self.above:
                return value > self.resolve_at or value >= self.threshold
            return value < self.resolve_at
        return value >= self.threshold if self.above else value < self.threshold


class Rules(_Strict):
    """The whole file."""

    webhook: WebhookTarget | None = None
    budgets: tuple[BudgetRule, ...] = ()
    alerts: tuple[AlertRule, ...] = ()

    @model_validator(mode="after")
    def _named_once(self) -> Rules:
        names = [rule.name for rule in (*self.budgets, *self.alerts)]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"several rules are called {', '.join(twice)}: a name is told once")
        return self

    def conditions(self) -> Iterator[Condition]:
        """Every bound of every rule."""
        for budget in self.budgets:
            for share in sorted(budget.alert_at):
                threshold = share * budget.limit_usd
                resolved = threshold * (1 - _HYSTERESIS)
                yield Condition(
                    budget.name, budget, "cost_usd", threshold, above=True, resolve_at=resolved,
                    at_least=1, limit_usd=budget.limit_usd,
                )  # fmt: skip
        for alert in self.alerts:
            yield _condition(alert)


def _condition(alert: AlertRule) -> Condition:
    above = alert.above is not None
    threshold = alert.above if alert.above is not None else alert.below
    assert threshold is not None  # noqa: S101 - the model has one of the two
    margin = abs(threshold) * _HYSTERESIS
    default = threshold - margin if above else threshold + margin
    resolve_at = default if alert.resolve_at is None else alert.resolve_at
    return Condition(
        alert.name, alert, alert.metric, threshold, above=above, resolve_at=resolve_at,
        at_least=alert.at_least,
    )  # fmt: skip


def read_rules(path: Path) -> Rules:
    """The rules of a file.

    Raises:
        ConfigurationError: it cannot be read, or says what cannot be.
    """
    return read_document(path, Rules, "alert rules", entry="rule")
