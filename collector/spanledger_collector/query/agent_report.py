"""One agent over a period, whole: its groups, and when what was paid once for it is earned back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from .economics import AgentEconomics, Ask, Group, groups_and_total
from .parsing import parse_rows
from .payback import BreakEven, Payback, break_even, contributions, paybacks, version_starts


@dataclass(frozen=True, slots=True)
class ElsewhereRow:
    """Runs that an agent's runs called in other traces (query ``agent_elsewhere``).

    Attributes:
        runs: how many; their cost is in none of the agent's inclusive figures.
        traces: in which they are.
        cost_usd: their variable cost, sub-agents included; None = nothing of it is known.
    """

    runs: int
    traces: int
    cost_usd: Decimal | None


@dataclass(frozen=True, slots=True)
class AgentReport:
    """One agent over a period: all its runs, and the same by version, tenant or model.

    Attributes:
        agent_name: the agent.
        by: what a group is.
        total: all its runs of the period.
        groups: most runs first.
        break_evens: of the assets that serve it alone, over all their runs.
        paybacks: of its versions with assets of their own, against the one before.
        elsewhere: what it called in other traces, which its inclusive figures do not hold.
    """

    agent_name: str
    by: str
    total: AgentEconomics
    groups: Sequence[AgentEconomics]
    break_evens: Sequence[BreakEven]
    paybacks: Sequence[Payback]
    elsewhere: ElsewhereRow


def agent_report(ask: Ask, agent_name: str, period: Mapping[str, object], by: str) -> AgentReport:
    """Read one agent.

    Raises:
        NotFoundError: it has no run in the period.
        PermanentError: there are no such groups.
    """
    found, total = groups_and_total(ask, agent_name, period, by)
    assets = contributions(ask, agent_name)
    versions: Sequence[Group] = []
    if any(row.agent_version for row in assets):
        versions = found
        if by != "version":
            versions, _ = groups_and_total(ask, agent_name, period, "version")
    (elsewhere,) = parse_rows(ElsewhereRow, ask("agent_elsewhere", agent_name=agent_name, **period))
    return AgentReport(
        agent_name,
        by,
        total.economics(),
        [group.economics() for group in found],
        [break_even(row) for row in assets],
        paybacks(assets, versions, version_starts(ask, agent_name) if versions else {}),
        elsewhere,
    )
