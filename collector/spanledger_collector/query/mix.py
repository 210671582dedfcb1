"""What runs are made of: two groups that serve others, or call others, differ for that alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from .reader import Row

#: Member of a dimension -> its share of the runs (of models: of the calls).
Shares = Mapping[str, float]
#: Shares that moved less than this together are the same mix.
_ALIKE = 0.1


@dataclass(frozen=True, slots=True)
class MixRow:
    """What else the runs of a model's group are of (query ``agent_statistics``).

    Of other groups both are empty: ``agent_mix`` tells theirs.
    """

    runs_by_tenant: Mapping[str, int]
    runs_by_version: Mapping[str, int]

    def shares(self) -> Mapping[str, Shares]:
        """By dimension, the share of every member."""
        return {"tenant": _shares(self.runs_by_tenant), "version": _shares(self.runs_by_version)}


def mixes(
    ask: Callable[..., list[Row]], agent_name: str, period: Mapping[str, object], by: str
) -> Mapping[str, Mapping[str, Shares]]:
    """By group and dimension, the share of every member."""
    weights: dict[str, dict[str, dict[str, int]]] = defaultdict(lambda: defaultdict(dict))
    for row in ask("agent_mix", agent_name=agent_name, by=by, **period):
        weights[str(row["key"])][str(row["dimension"])][str(row["member"])] = int(row["weight"])
    return {
        key: {name: _shares(members) for name, members in dimensions.items()}
        for key, dimensions in weights.items()
    }


def _shares(members: Mapping[str, int]) -> Shares:
    total = sum(members.values())
    return {member: weight / total for member, weight in members.items()} if total else {}


def mix_caveats(old: Mapping[str, Shares], new: Mapping[str, Shares]) -> Iterator[str]:
    """One sentence a dimension whose mix is another: its member that moved most."""
    for dimension in sorted({*old, *new}):
        before, after = old.get(dimension, {}), new.get(dimension, {})
        moved = {
            member: after.get(member, 0.0) - before.get(member, 0.0)
            for member in sorted({*before, *after})
        }
        if sum(map(abs, moved.values())) / 2 < _ALIKE:
            continue
        most = max(moved, key=lambda member: abs(moved[member]))
        yield (
            f"another mix by {dimension}: {most or '(none)'} is {before.get(most, 0.0):.0%} of the "
            f"old and {after.get(most, 0.0):.0%} of the new; part of a difference may be that"
        )
