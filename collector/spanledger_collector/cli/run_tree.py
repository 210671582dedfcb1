"""The runs of a trace as a tree: a sub-agent below the run that called it."""

from collections.abc import Sequence
from dataclasses import dataclass

from spanledger_collector.query import RunRow


@dataclass(frozen=True, slots=True)
class Branch:
    """One run in its place.

    Attributes:
        run: the run.
        depth: how many runs are above it.
    """

    run: RunRow
    depth: int


def run_tree(runs: Sequence[RunRow]) -> list[Branch]:
    """Every run exactly once, each right below its caller.

    A run whose caller is not in the trace, or that calls itself in a circle, stands at the top.
    """
    known = {run.run_id for run in runs}
    children: dict[str, list[RunRow]] = {}
    tops: list[RunRow] = []
    for run in runs:
        called = run.parent_run_id in known and run.parent_run_id != run.run_id
        (children.setdefault(run.parent_run_id, []) if called else tops).append(run)
    return _in_order([*tops, *runs], children)


def _in_order(tops: Sequence[RunRow], children: dict[str, list[RunRow]]) -> list[Branch]:
    placed: dict[str, Branch] = {}
    for top in tops:
        pending = [(top, 0)]
        while pending:
            run, depth = pending.pop()
            if run.run_id not in placed:
                placed[run.run_id] = Branch(run, depth)
                below = reversed(children.get(run.run_id, []))
                pending += [(child, depth + 1) for child in below]
    return list(placed.values())
