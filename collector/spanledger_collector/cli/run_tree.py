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
        unpriced_attempts: attempts of unknown cost in it and in the runs below.
    """

    run: RunRow
    depth: int
    unpriced_attempts: int


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
    return _with_sums(_in_order([*tops, *runs], children))


def _in_order(
    tops: Sequence[RunRow], children: dict[str, list[RunRow]]
) -> list[tuple[RunRow, int]]:
    placed: dict[str, tuple[RunRow, int]] = {}
    for top in tops:
        pending = [(top, 0)]
        while pending:
            run, depth = pending.pop()
            if run.run_id not in placed:
                placed[run.run_id] = (run, depth)
                below = reversed(children.get(run.run_id, []))
                pending += [(child, depth + 1) for child in below]
    return list(placed.values())


def _with_sums(order: Sequence[tuple[RunRow, int]]) -> list[Branch]:
    """From the last to the first, a run's sum is its own and what was gathered one level below."""
    gathered = [0] * (len(order) + 1)
    branches: list[Branch] = []
    for run, depth in reversed(order):
        total = run.unpriced_attempts + gathered[depth + 1]
        gathered[depth + 1] = 0
        gathered[depth] += total
        branches.append(Branch(run, depth, total))
    return branches[::-1]
