"""Where the money goes and what came of it, by anything; :class:`Ledger` answers it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

from .agent_figures import AgentFigures, agent_figures
from .breakdown_rows import AttemptsRow, CostPathRow, EconomicsRow, PriceUsedRow
from .parsing import parse_rows
from .reader import Row
from .rows import CoverageRow, RunRow
from .sum_figures import SumFigures, sum_figures

RunsBy = Literal["total", "day", "agent", "version", "tenant"]
#: Rows of all agents together.
SumsBy = Literal["total", "day", "tenant"]
AttemptsBy = Literal["total", "model", "tool", "rework"]
#: Of which group runs are listed.
RunsOf = Literal["total", "agent", "version", "tenant", "model"]
Period = Annotated[tuple[datetime, datetime], "a pair (start, end) of times"]


@dataclass(frozen=True, slots=True)
class Slice:
    """Which part of the ledger is looked at; all of it by default.

    Attributes:
        since: what started from then on; None = from the first.
        until: before this time; None = to the last.
        agent_name: of this agent only; empty = of any.
        agent_version: of this version of agents only.
        tenant: on behalf of this tenant only.
    """

    since: datetime | None = None
    until: datetime | None = None
    agent_name: str = ""
    agent_version: str = ""
    tenant: str = ""

    def parameters(self) -> dict[str, object]:
        """Those of a named query; what is not given is left to its default."""
        named = {name: getattr(self, name) for name in self.__slots__}
        return {name: value for name, value in named.items() if value}


_ALL = Slice()


class Breakdowns(ABC):
    """Sums over a part of the ledger."""

    @abstractmethod
    def query(self, name: str, **parameters: object) -> list[Row]:
        """Rows of any named query; see :meth:`Ledger.query`."""

    def economics_by(self, by: RunsBy = "total", part: Slice = _ALL) -> Sequence[EconomicsRow]:
        """What runs cost and earned, USD, and how long they took, ns.

        Args:
            by: what a row is: all runs, or those of one day (in order), agent, version or tenant.
            part: which runs.

        Raises:
            PermanentError: there is no such kind of row.
        """
        return parse_rows(EconomicsRow, self.query("economics_by", by=by, **part.parameters()))

    def sums_by(self, by: SumsBy = "total", part: Slice = _ALL) -> Sequence[SumFigures]:
        """:meth:`economics_by` of all agents together, with intervals by trace and a verdict.

        Args:
            by: what a row is: everything, or what one day (in order) or tenant has of it.
            part: which runs.

        Raises:
            PermanentError: there is no such kind of row.
        """
        return sum_figures(self.query, by, part.parameters())

    def overview(self, part: Slice = _ALL) -> Mapping[str, Sequence[EconomicsRow]]:
        """:meth:`economics_by` ``total``, ``day``, ``agent`` and ``tenant``, by these words.

        They are read in one pass over the runs.
        """
        return self._at_once("overview", ("total", "day", "agent", "tenant"), part)

    def agents_and_versions(self, part: Slice = _ALL) -> Mapping[str, Sequence[EconomicsRow]]:
        """:meth:`economics_by` ``agent`` and ``version``, likewise in one pass."""
        return self._at_once("agents", ("agent", "version"), part)

    def _at_once(
        self, by: str, kinds: Sequence[str], part: Slice
    ) -> Mapping[str, Sequence[EconomicsRow]]:
        rows = parse_rows(EconomicsRow, self.query("economics_by", by=by, **part.parameters()))
        return {kind: [row for row in rows if row.kind == kind] for kind in kinds}

    def attempts_by(self, by: AttemptsBy = "total", part: Slice = _ALL) -> Sequence[AttemptsRow]:
        """What attempts cost, USD, and the tokens they used, most expensive first.

        Args:
            by: what a row is: all attempts, or those of a model, tool or reason of rework.
            part: which attempts.

        Raises:
            PermanentError: there is no such kind of row.
        """
        return parse_rows(AttemptsRow, self.query("attempts_by", by=by, **part.parameters()))

    def cost_paths(self, part: Slice = _ALL, before: Period | None = None) -> Sequence[CostPathRow]:
        """Cost by path of agents, tools and models, each with all below, beside an earlier period.

        A sub-agent stands below the agent, and the tool, that called it. USD.

        Args:
            part: which attempts.
            before: start and end (exclusive) of the period held against; None = none.
        """
        earlier = {} if before is None else {"since_before": before[0], "until_before": before[1]}
        return parse_rows(CostPathRow, self.query("cost_paths", **part.parameters(), **earlier))

    def prices_used(self, part: Slice = _ALL) -> Sequence[PriceUsedRow]:
        """The rows of the price book that priced these attempts, with their sources."""
        return parse_rows(PriceUsedRow, self.query("prices_used", **part.parameters()))

    def coverage_of(self, part: Slice = _ALL) -> Sequence[CoverageRow]:
        """How much of the usage is priced, by price status."""
        return parse_rows(CoverageRow, self.query("coverage", **part.parameters()))

    def agents_of(self, part: Slice = _ALL) -> Sequence[AgentFigures]:
        """:meth:`Ledger.agents` of a part of the ledger, dearest first."""
        return agent_figures(self.query, part.parameters())

    def runs_of(
        self,
        part: Slice = _ALL,
        *,
        by: RunsOf = "total",
        key: str = "",
        entered_since: datetime | None = None,
        limit: int = 100,
        offset: int = 0,
    ) -> Sequence[RunRow]:
        """Runs of a part of the ledger, newest first.

        Args:
            part: which runs.
            by: only those of one group; total = all.
            key: of that group: the agent, the version, the tenant, or the model that most of a
                run's money went to; empty = the runs without one.
            entered_since: only those that entered the books from then on, as assets count them.
            limit: at most so many.
            offset: so many of the newest are left out.
        """
        asked = {**part.parameters(), "by": by, "key": key, "limit": limit, "offset": offset}
        if entered_since is not None:
            asked["entered_since"] = entered_since
        return parse_rows(RunRow, self.query("runs", **asked))
