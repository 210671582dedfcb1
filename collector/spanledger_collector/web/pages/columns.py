"""Columns that several pages show alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from spanledger_collector.query import Estimate
from spanledger_collector.query.economics import NO_VALUE
from spanledger_collector.web.asked import Asked
from spanledger_collector.web.table import Column

OUTSIDE = "(outside any agent)"
NO_TENANT = "(no tenant)"
#: Why a margin is less than the margins of the runs that have one.
VALUELESS = "Runs without a value count with their cost."


def is_lower_bound(row: Any) -> bool:
    """Whether the cost of some attempts is not known, so that sums are at least so much."""
    return bool(row.unpriced_attempts)


def is_rework_lower_bound(row: Any) -> bool:
    """Whether the cost of some wasted attempts is not known."""
    return bool(row.unknown_rework_attempts)


def is_share_at_least(row: Any) -> bool:
    """Whether the share wasted may be more alone, as the cost of what was wasted is not known."""
    return row.share_bound == "at least"


def is_share_at_most(row: Any) -> bool:
    """Whether it may be less alone."""
    return row.share_bound == "at most"


def leaves_out(row: Any) -> bool:
    """Whether the cost or value of some runs that an asset serves is not known."""
    return bool(row.left_out_runs)


def is_cost_unknown(row: Any) -> bool:
    """Whether nothing is known of the cost, and so nothing of what of it was wasted."""
    return row.cost_usd is None


def is_untold(row: Any) -> bool:
    """Whether nobody said what any of the runs is worth: there is no value, and no margin.

    A value that was told in a currency without a rate is unknown instead.
    """
    return row.value_usd is None and not (row.valued_runs or row.inclusive_unconverted_records)


def is_inclusive_untold(row: Any) -> bool:
    """The same of the value with sub-agents."""
    told = row.valued_runs or row.inclusive_unconverted_records
    return row.inclusive_value_usd is None and not told


def is_untold_estimate(told: Estimate) -> bool:
    """The same of a mean."""
    return told.value is None and told.reason == NO_VALUE


def has_no_success(row: Any) -> bool:
    """Whether there is nothing to divide the cost by."""
    return not row.successes


def is_inclusive_lower_bound(row: Any) -> bool:
    """The same of what is with sub-agents."""
    return bool(row.inclusive_unpriced_attempts)


def runs_of(asked: Asked, by: str, key: str) -> str:
    """The runs of an agent or tenant; a filter without a word means all: of none they are a group.

    Args:
        asked: the page.
        by: ``agent`` or ``tenant``.
        key: its name; empty = outside any agent, on behalf of no tenant.
    """
    return asked.link("runs", **{by: key}) if key else asked.link("runs", by=by)


def runs_of_version(asked: Asked, agent: str, version: str) -> str:
    """The runs of a version of an agent, or of those without a version."""
    if not agent:
        return asked.link("runs", by="agent", version=version)
    by = "" if version else "version"
    return asked.link("runs", agent=agent, version=version, by=by)


def economics(
    first: Column,
    runs: Callable[[Any], str] | None = None,
    *,
    of_agents: bool = False,
    of_success: Sequence[Column] = (),
) -> Sequence[Column]:
    """Of rows of ``economics_by``.

    Args:
        first: what names the row.
        runs: where the runs are that a row sums.
        of_agents: a row has runs of one agent or version: what they cost with their sub-agents
            stands beside. In other rows the runs of those are already.
        of_success: what else is known of the cost of a success.
    """
    return [
        first,
        Column("Runs", "runs", "count", link=runs),
        Column("Success", "success_ratio", "ratio",
               "Runs that succeeded / those of which it is known"
               + ("." if of_agents else ", of agents that no agent called.")),
        Column("Total cost", "total_cost_usd", "usd",
               "Variable and amortized cost of the runs.", at_least=is_lower_bound, link=runs),
        Column("Rework", "rework_cost_usd", "usd",
               "Variable cost of attempts that failed or were made again.", link=runs,
               unknown=is_cost_unknown, at_least=is_rework_lower_bound),
        Column("Amortized", "amortized_cost_usd", "usd_if_told",
               "The runs' shares of what was paid once.", link=runs),
        Column("Value", "value_usd", "usd", "Recorded revenue and value of outcomes.",
               link=runs, blank=is_untold),
        Column("Margin", "margin_usd", "usd", f"Value less total cost. {VALUELESS}",
               at_most=is_lower_bound, link=runs, blank=is_untold),
        Column("A run", "total_cost_per_run_usd", "usd", "Total cost / runs.",
               at_least=is_lower_bound, link=runs),
        *(_with_sub_agents() if of_agents else [_a_success(runs)]),
        *of_success,
        Column("Known", "known_cost_ratio", "ratio",
               "Attempts whose cost is known / counted attempts."),
        Column("p50", "p50_duration_ns", "duration", "Half of the runs took at most so long."),
        Column("p95", "p95_duration_ns", "duration", "95% of the runs took at most so long."),
    ]  # fmt: skip


def _a_success(runs: Callable[[Any], str] | None) -> Column:
    return Column(
        "A success", "total_cost_per_success_usd", "usd",
        "Total cost of all runs / successes of agents that no agent called.",
        at_least=is_lower_bound, link=runs, blank=has_no_success,
    )  # fmt: skip


def _with_sub_agents() -> Sequence[Column]:
    """As on the page Agents."""
    return [
        Column("Total with sub-agents", "inclusive_total_cost_usd", "usd",
               "What calling it costs; not to be summed.", at_least=is_inclusive_lower_bound),
        Column("A success, with sub-agents", "inclusive_cost_per_success_usd", "usd",
               "That of all runs / runs that succeeded.", at_least=is_inclusive_lower_bound,
               blank=has_no_success),
        Column("Margin with sub-agents", "inclusive_margin_usd", "usd",
               "Value of its runs, and what was recorded below them, less the total with "
               f"sub-agents; not to be summed. {VALUELESS}", at_most=is_inclusive_lower_bound,
               blank=is_inclusive_untold),
    ]  # fmt: skip


def models(asked: Asked) -> Sequence[Column]:
    """Of rows of ``attempts_by`` by model; each figure leads to its attempts."""

    def behind(only: str = "calls", usage: str = "") -> Callable[[Any], str]:
        return lambda row: asked.link(
            "attempts", by="model", key=f"{row.provider}/{row.key}", only=only, usage=usage
        )

    return [
        Column("Model", "key", name="(no model)"),
        Column("Provider", "provider"),
        Column("Attempts", "attempts", "count", link=behind()),
        Column("Cost", "cost_usd", "usd", "Variable cost of the counted attempts.",
               at_least=is_lower_bound, link=behind()),
        Column("Share", "cost_ratio", "ratio", "Of the cost of all rows.", link=behind()),
        Column("Rework", "rework_cost_usd", "usd", "Part of the cost that was wasted.",
               link=behind("calls,rework"), at_least=is_rework_lower_bound),
        Column("Estimated", "estimated_cost_usd", "usd",
               "Part of the cost that rests on estimated usage.",
               link=behind(usage="estimated")),
        Column("Known", "known_cost_ratio", "ratio",
               "Attempts whose cost is known / counted attempts.", link=behind()),
        Column("Input tokens", "input_tokens", "count", link=behind()),
        Column("Output tokens", "output_tokens", "count", link=behind()),
    ]  # fmt: skip
