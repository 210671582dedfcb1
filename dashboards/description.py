"""What the dashboards show."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

SQL: Final = Path(__file__).with_name("sql")
Kind = Literal["stat", "timeseries", "table", "flamegraph"]
#: The unit of a column by the end of its name, as everywhere in spanledger.
UNITS: Final = {
    ".*_usd$": "currencyUSD",
    "^usd_per_second$": "currencyUSD",
    ".*_ns$": "ns",
    ".*_ratio$": "percentunit",
    ".*_tokens$": "short",
    ".*_seconds$": "s",
    "^utilisation$": "percentunit",
    "^m[fb]u_(low|high)$": "percentunit",
    ".*_kwh_(low|high)$": "kwatth",
    ".*_kg_(low|high)$": "masskg",
}


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel.

    Attributes:
        title: its heading.
        sql: the file in ``sql/`` that it asks, without ``.sql``; its head describes the panel.
        kind: how it is drawn.
        page: the built-in page that it leads to.
        unit: of what is drawn; a table has one a column (:data:`UNITS`).
        width: of 24 columns.
        height: in rows of the grid.
        stacked: series stand on each other.
    """

    title: str
    sql: str
    kind: Kind
    page: str
    unit: str = "short"
    width: int = 24
    height: int = 9
    stacked: bool = False

    @property
    def statement(self) -> str:
        """What is asked, as Grafana sends it but for macros and variables."""
        return re.sub(r"\A(--.*\n)+", "", text(self.sql)).strip()

    @property
    def description(self) -> str:
        """What it shows, in a sentence."""
        return text(self.sql).splitlines()[0].partition(": ")[2]


@dataclass(frozen=True, slots=True)
class MetricPanel:
    """A panel of what the collector tells Prometheus: budgets are watched there, not in a table.

    Attributes:
        title: its heading.
        description: what it shows, in a sentence.
        expression: in PromQL.
        legend: what a series is called.
        kind: how it is drawn.
        page: the built-in page that it leads to.
        unit: of what is drawn.
        width: of 24 columns.
        height: in rows of the grid.
    """

    title: str
    description: str
    expression: str
    legend: str
    kind: Kind
    page: str = "budgets"
    unit: str = "short"
    width: int = 12
    height: int = 9


@dataclass(frozen=True, slots=True)
class Dashboard:
    """One dashboard.

    Attributes:
        uid: its name in URLs.
        title: its heading.
        panels: from the left to the right and down.
    """

    uid: str
    title: str
    panels: tuple[Panel | MetricPanel, ...]


def text(name: str) -> str:
    """The SQL file of that name."""
    return SQL.joinpath(f"{name}.sql").read_text(encoding="utf-8")


USD: Final = "currencyUSD"
DASHBOARDS: Final = (
    Dashboard(
        "spanledger-overview",
        "spanledger: overview",
        (
            Panel("Totals of the period", "totals", "stat", "overview", height=5),
            Panel(
                "Cost, value and margin",
                "economics_by_day",
                "timeseries",
                "overview",
                USD,
                width=12,
            ),
            Panel("Runs", "runs_by_day", "timeseries", "runs", width=12),
            Panel(
                "Cost by agent",
                "cost_by_agent",
                "timeseries",
                "agents",
                USD,
                width=12,
                stacked=True,
            ),
            Panel(
                "Cost by model",
                "cost_by_model",
                "timeseries",
                "prices",
                USD,
                width=12,
                stacked=True,
            ),
            Panel("Cost by tenant", "cost_by_tenant", "timeseries", "overview", USD, stacked=True),
            Panel("Newest runs", "runs", "table", "runs", height=11),
        ),
    ),
    Dashboard(
        "spanledger-paths",
        "spanledger: where the money goes",
        (
            Panel("Cost flame graph", "cost_flame", "flamegraph", "flame", USD, height=16),
            Panel("Cost paths", "cost_paths", "table", "flame", height=14),
        ),
    ),
    Dashboard(
        "spanledger-agents",
        "spanledger: agents",
        (
            Panel("Unit economics", "unit_economics", "table", "agents", height=12),
            Panel(
                "Cost by version",
                "cost_by_version",
                "timeseries",
                "agents",
                USD,
                width=12,
                stacked=True,
            ),
            Panel("Latency (p95)", "latency_by_day", "timeseries", "latency", "ns", width=12),
            Panel("Cost beside latency", "latency_frontier", "table", "latency"),
            Panel("Assets", "assets", "table", "assets"),
            Panel("Energy at most", "energy_by_day", "timeseries", "pools", "kwatth", stacked=True),
            Panel("Energy and CO2e", "energy", "table", "pools"),
            Panel(
                "Bill of your own GPUs, of all agents",
                "gpu_bill_by_day",
                "timeseries",
                "pools",
                USD,
                stacked=True,
            ),
            Panel("Pools of GPUs, of all agents", "gpu_pools", "table", "pools"),
        ),
    ),
    Dashboard(
        "spanledger-quality",
        "spanledger: rework and coverage",
        (
            Panel(
                "Cost of rework",
                "rework_by_reason",
                "timeseries",
                "rework",
                USD,
                width=8,
                stacked=True,
            ),
            Panel(
                "Rework of unknown cost",
                "rework_unknown",
                "timeseries",
                "rework",
                width=8,
                stacked=True,
            ),
            Panel(
                "Attempts by what is known",
                "coverage",
                "timeseries",
                "prices",
                width=8,
                stacked=True,
            ),
            Panel("Rework by agent, model and prompt", "rework_rate", "table", "rework"),
            Panel("Cost of quality", "quality_cost", "table", "quality"),
            Panel("Models", "models", "table", "prices"),
        ),
    ),
)
_OF_BUDGET: Final = 'workspace="$workspace"'
_BUDGET: Final = "{{budget}} {{per}} {{key}}"
BUDGETS: Final = Dashboard(
    "spanledger-budgets",
    "spanledger: budgets and alerts",
    (
        MetricPanel(
            "Spent of each budget",
            "What was spent of each budget in its window, as the collector evaluated it last; at "
            "most 20 at a time, dearest first.",
            f"topk(20, spanledger_budget_spent_usd{{{_OF_BUDGET}}})", _BUDGET, "timeseries",
            unit=USD,
        ),
        MetricPanel(
            "Alerts",
            "Each alert and share of a budget that fires: 1 while it does, at most 50 at a time; "
            "without data none fires.",
            f"topk(50, spanledger_alert_firing{{{_OF_BUDGET}}} == 1)",
            "{{rule}} {{per}} {{key}} {{metric}} {{threshold}}", "timeseries",
        ),
        MetricPanel(
            "Limits",
            "The limit of each budget, which is the same for all that it is per.",
            f"max by (budget, per) (spanledger_budget_limit_usd{{{_OF_BUDGET}}})",
            "{{budget}} {{per}}", "timeseries", unit=USD,
        ),
        MetricPanel(
            "Time since the last look",
            "How old these figures are: the collector looks again when something was settled.",
            "spanledger_watch_age_seconds", "age", "stat", unit="s", width=24, height=5,
        ),
    ),
)  # fmt: skip
