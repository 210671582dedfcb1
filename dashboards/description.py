"""What the dashboards show."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

SQL: Final = Path(__file__).with_name("sql")
Kind = Literal["stat", "timeseries", "table"]
#: The unit of a column by the end of its name, as everywhere in spanledger.
UNITS: Final = {
    ".*_usd$": "currencyUSD",
    "^usd_per_second$": "currencyUSD",
    ".*_ns$": "ns",
    ".*_ratio$": "percentunit",
    ".*_tokens$": "short",
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
        unit: of what is drawn; a table has one a column (:data:`UNITS`).
        width: of 24 columns.
        height: in rows of the grid.
        stacked: series stand on each other.
    """

    title: str
    sql: str
    kind: Kind
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
class Dashboard:
    """One dashboard.

    Attributes:
        uid: its name in URLs.
        title: its heading.
        panels: from the left to the right and down.
    """

    uid: str
    title: str
    panels: tuple[Panel, ...]


def text(name: str) -> str:
    """The SQL file of that name."""
    return SQL.joinpath(f"{name}.sql").read_text(encoding="utf-8")


USD: Final = "currencyUSD"
DASHBOARDS: Final = (
    Dashboard(
        "spanledger-overview",
        "spanledger: overview",
        (
            Panel("Totals of the period", "totals", "stat", height=5),
            Panel("Cost, value and margin", "economics_by_day", "timeseries", USD, width=12),
            Panel("Runs", "runs_by_day", "timeseries", width=12),
            Panel("Cost by agent", "cost_by_agent", "timeseries", USD, width=12, stacked=True),
            Panel("Cost by model", "cost_by_model", "timeseries", USD, width=12, stacked=True),
            Panel("Cost by tenant", "cost_by_tenant", "timeseries", USD, stacked=True),
            Panel("Newest runs", "runs", "table", height=11),
        ),
    ),
    Dashboard(
        "spanledger-agents",
        "spanledger: agents",
        (
            Panel("Unit economics", "unit_economics", "table", height=12),
            Panel("Cost by version", "cost_by_version", "timeseries", USD, width=12, stacked=True),
            Panel("Latency (p95)", "latency_by_day", "timeseries", "ns", width=12),
            Panel("Cost beside latency", "latency_frontier", "table"),
            Panel("Assets", "assets", "table"),
            Panel("Energy at most", "energy_by_day", "timeseries", "kwatth", stacked=True),
            Panel("Energy and CO2e", "energy", "table"),
        ),
    ),
    Dashboard(
        "spanledger-quality",
        "spanledger: rework and coverage",
        (
            Panel("Cost of rework", "rework_by_reason", "timeseries", USD, width=12, stacked=True),
            Panel("Attempts by what is known", "coverage", "timeseries", width=12, stacked=True),
            Panel("Rework by agent, model and prompt", "rework_rate", "table"),
            Panel("Cost of quality", "quality_cost", "table"),
            Panel("Models", "models", "table"),
        ),
    ),
)
