"""What the figures of a group of runs are called wherever they are shown, and in which unit."""

from collections.abc import Callable, Iterable, Mapping
from typing import Literal

#: USD, a share of one, so many times, or nanoseconds.
Unit = Literal["usd", "ratio", "factor", "duration"]

_PREFIX = "inclusive_"
#: By the names of :class:`AgentEconomics`, in the order they are shown; ``inclusive_*`` is with all
#: that the runs hand on to sub-agents.
TITLES: Mapping[str, tuple[str, Unit]] = {
    "cost_per_run": ("variable cost a run", "usd"),
    "inclusive_cost_per_run": ("inclusive variable cost a run", "usd"),
    "total_cost_per_run": ("total cost a run", "usd"),
    "inclusive_total_cost_per_run": ("inclusive total cost a run", "usd"),
    "cost_per_success": ("total cost a success", "usd"),
    "inclusive_cost_per_success": ("inclusive total cost a success", "usd"),
    "value_per_run": ("value a run", "usd"),
    "inclusive_value_per_run": ("inclusive value a run", "usd"),
    "margin_per_run": ("margin a run", "usd"),
    "inclusive_margin_per_run": ("inclusive margin a run", "usd"),
    "success_rate": ("success rate", "ratio"),
    "rework_share": ("wasted of the work", "ratio"),
    "rework_multiplier": ("rework multiplier", "factor"),
    "mean_latency": ("mean latency", "duration"),
    "p50_latency": ("median latency", "duration"),
    "p95_latency": ("95th percentile", "duration"),
}


def in_full(name: str) -> str:
    """The title of a figure as a heading, for who has not read what inclusive means."""
    title = TITLES[name][0].removeprefix("inclusive ")
    with_all = ", with sub-agents" if name.startswith(_PREFIX) else ""
    return f"{title[0].upper()}{title[1:]}{with_all}"


def worth_showing(names: Iterable[str], figure: Callable[[str], object]) -> list[str]:
    """These figures, without the inclusive ones that say what the own ones say.

    Args:
        names: of :data:`TITLES`.
        figure: what is shown of a name.
    """
    return [
        name
        for name in names
        if not name.startswith(_PREFIX) or figure(name) != figure(name.removeprefix(_PREFIX))
    ]
