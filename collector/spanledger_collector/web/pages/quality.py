"""Cost of quality: what guarding, judging and wasted work took of what was paid."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast, get_args

from spanledger_collector.query import Ledger, QualityBy, QualityCost
from spanledger_collector.web.asked import Asked
from spanledger_collector.web.parts import Choice, Note, Page, Tabled
from spanledger_collector.web.table import Column, Table

from .columns import is_share_at_least, is_share_at_most

_KINDS = get_args(QualityBy)
_EMPTY = "(none)"


def page(ledger: Ledger, asked: Asked) -> Page:
    """The page."""
    by = asked.choice("by", _KINDS, "agent")
    part = asked.part()
    rows = ledger.quality(
        part.since, part.until, by=cast("QualityBy", by), agent_name=part.agent_name,
        agent_version=part.agent_version, tenant=part.tenant,
    )  # fmt: skip

    def agent(row: QualityCost) -> str:
        return asked.link("agent", agent=row.key) if by == "agent" and row.key else ""

    def behind(only: str = "") -> Callable[[QualityCost], str]:
        return lambda row: asked.link("attempts", by=by, key=row.key, only=only)

    def bound(row: QualityCost) -> bool:
        return bool(row.unknown_cost_attempts)

    def of_quality(row: QualityCost) -> bool:
        return bool(row.unknown_quality_attempts)

    def of_used(row: QualityCost) -> bool:
        return row.unknown_cost_attempts > row.unknown_quality_attempts

    table = Table(
        "quality", f"What was paid by {by}, dearest quality first",
        [
            Column(by.capitalize(), "key", link=agent, name=_EMPTY),
            Column("Cost", "cost_usd", "usd", "Of all counted attempts: the four that follow.",
                   link=behind(), at_least=bound),
            Column("Prevention", "prevention_cost_usd", "usd", "Guardrails and moderation.",
                   link=behind("prevention"), at_least=of_quality),
            Column("Appraisal", "appraisal_cost_usd", "usd", "Judges and evaluators.",
                   link=behind("appraisal"), at_least=of_quality),
            Column("Failure", "failure_cost_usd", "usd", "Work that was wasted: see Rework.",
                   link=behind("work,rework"), at_least=of_quality),
            Column("Used", "good_cost_usd", "usd", "Work that was used.", link=behind("used"),
                   at_least=of_used),
            Column("Amortized appraisal", "amortized_appraisal_usd", "usd_if_told",
                   "Shares of evaluation assets, beside the cost.",
                   link=lambda _: asked.link("assets")),
            Column("Quality", "quality_cost_usd", "usd",
                   "Prevention, appraisal, failure and those shares.",
                   link=behind("quality"), at_least=of_quality),
            Column("Of all that was paid", "quality_cost_ratio", "ratio",
                   "As far as costs are known.", link=behind(), at_least=is_share_at_least,
                   at_most=is_share_at_most),
            Column("95% interval", "quality_share", "interval ratio",
                   "Of such intervals 95% hold the truth; reckoned by traces."),
            Column("Unknown cost", "unknown_cost_attempts", "count",
                   "Attempts whose cost is not known."),
        ],
        rows, query="quality_costs", link=behind(),
    )  # fmt: skip
    return Page(
        "Cost of quality",
        [
            Note("", ["Nothing is added to the cost but the shares of evaluation assets."]),
            Choice("Divide by", [(one, asked.again(by=one), one == by) for one in _KINDS]),
            Tabled(f"Cost of quality, by {by}", table),
        ],
        "What guarding against bad answers, judging them and wasted work took.",
        kept=("by",),
    )
