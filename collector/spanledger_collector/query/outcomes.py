"""Whether the outcomes of two groups of runs were told alike: what nobody told is a success."""

from __future__ import annotations

from .agent_sums import AgentSums

#: Figures that stand on which runs succeeded, and those that do where a value rule pays a success.
_OF_SUCCESSES = frozenset({"inclusive_cost_per_success", "cost_per_success", "success_rate"})
_OF_VALUE = frozenset(
    {
        "inclusive_value_per_run", "value_per_run", "inclusive_margin_per_run", "margin_per_run",
        "inclusive_contribution_per_run",
    }
)  # fmt: skip
#: Groups whose successes nobody told differ by less than this part of the runs are told alike.
_ALIKE = 0.1


def is_untold(figure: str, old: AgentSums, new: AgentSums) -> bool:
    """Whether a group of which little was told yet looks the better in a figure, for that alone."""
    if figure in _OF_SUCCESSES:
        shares = [_part(one.assumed_successes, one.runs) for one in (old, new)]
    elif figure in _OF_VALUE:
        shares = [_part(one.assumed_valued_runs, one.runs) for one in (old, new)]
    else:
        return False
    return abs(shares[0] - shares[1]) > _ALIKE


def outcomes(old: tuple[str, AgentSums], new: tuple[str, AgentSums]) -> str:
    """Of how many runs of each an outcome was told, in a sentence."""
    told = " and ".join(
        f"{sums.judged_runs:,} of {sums.runs:,} runs of {name or '(none)'}"
        for name, sums in (old, new)
    )
    return (
        f"outcome told of {told}: what ended without an error counts as a success until somebody "
        "tells; what hangs on it cannot be compared yet"
    )


def _part(runs: int, of: int) -> float:
    return runs / of if of else 0.0
