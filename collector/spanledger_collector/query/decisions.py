"""What a ledger is asked for when something is to be decided; :class:`Ledger` answers it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated

from spanledger_collector.errors import NotFoundError

from .agent_report import AgentReport, agent_report
from .breakdowns import Period
from .comparison import (
    MATTERS,
    ComparisonReport,
    check_periods,
    compare_groups,
    compare_periods,
    comparison,
)
from .economics import GroupBy
from .frontier import FrontierPoint, frontier
from .hosting import Hosting
from .operations import Operations
from .payback import BreakEven, break_evens, version_starts
from .quality import QualityBy, QualityCost, quality
from .reader import Row
from .rework import ReworkBy, ReworkReport, rework
from .service_tiers import check_are_sold
from .what_if import WhatIfReport, changes, other_models, what_if

#: Of the price book.
ModelName = Annotated[tuple[str, str], "a pair (provider, model)"]


class Decisions(ABC):
    """Questions whose answers have intervals: they are computed from what named queries sum."""

    @abstractmethod
    def query(self, name: str, **parameters: object) -> list[Row]:
        """Rows of any named query; see :meth:`Ledger.query`."""

    def agent(
        self,
        name: str,
        since: datetime | None = None,
        until: datetime | None = None,
        *,
        by: GroupBy = "version",
        agent_version: str = "",
        tenant: str = "",
    ) -> AgentReport:
        """One agent over a period: sums, figures with their intervals, and the same by group.

        Args:
            name: the agent.
            since: runs that started from then on.
            until: before this time.
            by: what a group is: a version, a tenant, or the model most of a run's money went to.
            agent_version: runs of this version; empty = of any.
            tenant: runs on behalf of this tenant; empty = of any.

        Raises:
            NotFoundError: it has no run in the period.
        """
        part = {**period(since, until), **_narrowed(agent_version, tenant)}
        return agent_report(self.query, name, part, by)

    def compare(
        self,
        agent_name: str,
        old: str,
        new: str,
        since: datetime | None = None,
        until: datetime | None = None,
        *,
        by: GroupBy = "version",
        matters: float = MATTERS,
        agent_version: str = "",
        tenant: str = "",
    ) -> ComparisonReport:
        """Two versions, models or tenants of an agent, figure by figure, with a verdict.

        Args:
            agent_name: whose runs.
            old: the version (model, tenant) that is held against.
            new: the other one.
            since: runs that started from then on.
            until: before this time.
            by: what ``old`` and ``new`` are.
            matters: a difference below this part of the old figure is none that matters.
            agent_version: runs of this version; empty = of any.
            tenant: runs on behalf of this tenant; empty = of any.

        Raises:
            NotFoundError: one of them has no run in the period.
        """
        part = {**period(since, until), **_narrowed(agent_version, tenant)}
        sides = compare_groups(self.query, agent_name, part, by, (old, new))
        return comparison(agent_name, by, *sides, matters=matters)

    def compare_periods(
        self,
        agent_name: str,
        old: Period,
        new: Period,
        *,
        matters: float = MATTERS,
    ) -> ComparisonReport:
        """All runs of an agent in two periods (start, end exclusive), as :meth:`compare`.

        Raises:
            NotFoundError: it has no run in one of them.
            PermanentError: the periods overlap, or one ends before it begins.
        """
        check_periods(old, new)
        named_periods = [(f"{_told(a)}/{_told(b)}", period(a, b)) for a, b in (old, new)]
        sides = compare_periods(self.query, agent_name, named_periods)
        return comparison(agent_name, "period", *sides, matters=matters)

    def version_starts(self, agent_name: str) -> Mapping[str, datetime]:
        """Version of an agent -> when it ran first, of all its runs: which of two is the older."""
        return version_starts(self.query, agent_name)

    def break_even(self, agent_name: str = "") -> Sequence[BreakEven]:
        """What was paid once, by the runs it serves: how many of them earn it back.

        Args:
            agent_name: only assets that serve this agent alone; empty = all assets.
        """
        return break_evens(self.query, agent_name)

    def frontier(
        self, agent_name: str = "", since: datetime | None = None, until: datetime | None = None
    ) -> Sequence[FrontierPoint]:
        """What each way to serve an agent costs beside the latency it buys, fastest first."""
        return frontier(self.query, agent_name, period(since, until))

    def rework(
        self,
        since: datetime | None = None,
        until: datetime | None = None,
        *,
        by: ReworkBy = "agent",
        agent_name: str = "",
        agent_version: str = "",
        tenant: str = "",
    ) -> ReworkReport:
        """What was paid twice: how much of the work, and why.

        Args:
            since: what began from this time on.
            until: before this time.
            by: what a row is.
            agent_name: only work of this agent; empty = of any.
            agent_version: of this version only.
            tenant: on behalf of this tenant only.
        """
        part = {**period(since, until), **_narrowed(agent_version, tenant)}
        return rework(self.query, part, by, agent_name)

    def quality(
        self,
        since: datetime | None = None,
        until: datetime | None = None,
        *,
        by: QualityBy = "agent",
        agent_name: str = "",
        agent_version: str = "",
        tenant: str = "",
    ) -> Sequence[QualityCost]:
        """Cost of quality (prevention, appraisal, failure), dearest first.

        Args:
            since: what began from this time on.
            until: before this time.
            by: what a row is.
            agent_name: only what this agent did; empty = any.
            agent_version: of this version only.
            tenant: on behalf of this tenant only.
        """
        part = {**period(since, until), **_narrowed(agent_version, tenant)}
        return quality(self.query, part, by, agent_name)

    def what_if(
        self,
        agent_name: str,
        since: datetime | None = None,
        until: datetime | None = None,
        *,
        models: Sequence[ModelName] | None = None,
        tiers: Sequence[str] = ("batch",),
        cache_shares: Sequence[float] = (0.9,),
        hostings: Sequence[Hosting] = (),
        rework_shares: Sequence[float] = (1.0,),
        weight_formats: Sequence[str] = (),
    ) -> WhatIfReport:
        """What an agent would save, had its calls been made otherwise, and with less rework.

        Calls on GPUs of one's own are tried in smaller formats, on every other GPU that the price
        book has a rate of, on more or fewer of them, and with more of them answered at once.

        Args:
            agent_name: whose calls.
            since: runs and calls from then on.
            until: before this time.
            models: (provider, model) in the book's names; None = the other models of the ledger.
            tiers: service tiers to try.
            cache_shares: parts of the input to be read from the cache, 0 to 1.
            hostings: open models on GPUs of one's own, at a rate of yours.
            rework_shares: parts of the rework that are not made, above 0 to 1 (all of it).
            weight_formats: of models on GPUs of one's own; empty = the usual smaller ones.

        Raises:
            NotFoundError: the agent has no run in the period, or the book no price of a model.
            PermanentError: a scenario cannot be.
        """
        within = period(since, until)
        operations = Operations.of(self.query, agent_name, within)
        if models is None:
            models = other_models(self.query, operations)
        for provider, model in models:
            self.check_priced(provider, model)
        check_are_sold(self.query, tiers)
        asked = list(changes(models, tiers, cache_shares))
        return what_if(
            self.query, agent_name, within, asked, operations, hostings=hostings,
            rework_shares=rework_shares, weight_formats=weight_formats,
        )  # fmt: skip

    def check_priced(self, provider: str, model: str) -> None:
        """The book has a price of this model.

        Raises:
            NotFoundError: it has none.
        """
        if not self.query("is_priced", provider=provider, model=model)[0]["prices"]:
            raise NotFoundError(
                f"the ledger has no price of {provider}/{model}; give the provider and the book's "
                "name of the model (`spanledger prices show MODEL --provider PROVIDER` finds it)"
            )


def period(since: datetime | None, until: datetime | None) -> dict[str, object]:
    """The parameters of a period; what is not given is left to the query's default."""
    given = {"since": since, "until": until}
    return {name: value for name, value in given.items() if value is not None}


def _narrowed(agent_version: str, tenant: str) -> dict[str, object]:
    """Likewise of whose runs or work."""
    given = {"agent_version": agent_version, "tenant": tenant}
    return {name: value for name, value in given.items() if value}


def _told(moment: datetime) -> str:
    """A day, and the time of it where there is one."""
    is_day = (moment.hour, moment.minute, moment.second) == (0, 0, 0)
    return f"{moment:%Y-%m-%d}" if is_day else f"{moment:%Y-%m-%dT%H:%M}"
