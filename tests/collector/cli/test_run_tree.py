"""The tree of runs, whatever the parents say."""

import dataclasses
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.filled_ledger import TRACE

from spanledger_collector.cli.run_tree import run_tree
from spanledger_collector.query import Ledger, RunRow


@pytest.fixture(scope="module")
def blank() -> RunRow:
    """A run whose ids are to be replaced."""
    empty: Iterator[tuple[str, object]] = (
        (field.name, 0 if field.type == "int" else "") for field in dataclasses.fields(RunRow)
    )
    return RunRow(**dict(empty))  # pyright: ignore[reportArgumentType] - a blank of every field


@given(data=st.lists(st.tuples(st.integers(0, 12), st.integers(0, 5)), max_size=12))
def test_every_run_once_below_its_caller(data: list[tuple[int, int]], blank: RunRow) -> None:
    """Orphans, circles and chains alike: each run once, sums as a recursive sum has them."""
    runs = [
        dataclasses.replace(
            blank, run_id=f"r{number}", parent_run_id=f"r{parent}", unpriced_attempts=unpriced
        )
        for number, (parent, unpriced) in enumerate(data)
    ]
    branches = run_tree(runs)
    assert sorted(branch.run.run_id for branch in branches) == sorted(run.run_id for run in runs)
    for place, branch in enumerate(branches):
        below = []
        for later in branches[place + 1 :]:
            if later.depth <= branch.depth:
                break
            below.append(later)
        own = branch.run.unpriced_attempts
        assert branch.unpriced_attempts == own + sum(b.run.unpriced_attempts for b in below)
        assert all(
            child.run.parent_run_id == branch.run.run_id
            for child in below
            if child.depth == branch.depth + 1
        )
    tops = [branch for branch in branches if branch.depth == 0]
    assert sum(top.unpriced_attempts for top in tops) == sum(r.unpriced_attempts for r in runs)


def test_a_lower_bound_is_marked_up_the_tree(filled_dsn: str) -> None:
    """The planner's total includes what is unknown of its researcher."""
    with Ledger.connect(filled_dsn) as ledger:
        planner, researcher = run_tree(ledger.trace(TRACE).runs)
    assert (planner.depth, researcher.depth) == (0, 1)
    assert planner.unpriced_attempts == 2
    assert researcher.unpriced_attempts == 1
