"""The tree of runs, whatever the parents say."""

import dataclasses
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.filled_ledger import TRACE

from spanledger_collector.cli.run_tree import run_tree
from spanledger_collector.cli.runs import run_inclusive_cost
from spanledger_collector.query import Ledger, RunRow


@pytest.fixture(scope="module")
def blank() -> RunRow:
    """A run whose ids are to be replaced."""
    empty: Iterator[tuple[str, object]] = (
        (field.name, 0 if field.type == "int" else "") for field in dataclasses.fields(RunRow)
    )
    return RunRow(**dict(empty))  # pyright: ignore[reportArgumentType] - a blank of every field


@given(parents=st.lists(st.integers(0, 12), max_size=12))
def test_every_run_once_below_its_caller(parents: list[int], blank: RunRow) -> None:
    """Orphans, circles and chains alike: each run once."""
    runs = [
        dataclasses.replace(blank, run_id=f"r{number}", parent_run_id=f"r{parent}")
        for number, parent in enumerate(parents)
    ]
    branches = run_tree(runs)
    assert sorted(branch.run.run_id for branch in branches) == sorted(run.run_id for run in runs)
    for place, branch in enumerate(branches):
        below = []
        for later in branches[place + 1 :]:
            if later.depth <= branch.depth:
                break
            below.append(later)
        assert all(
            child.run.parent_run_id == branch.run.run_id
            for child in below
            if child.depth == branch.depth + 1
        )


def test_a_lower_bound_is_marked_up_the_tree(filled_dsn: str) -> None:
    """The planner's total includes what is unknown of its researcher."""
    with Ledger.connect(filled_dsn) as ledger:
        planner, researcher = run_tree(ledger.trace(TRACE).runs)
    assert (planner.depth, researcher.depth) == (0, 1)
    assert planner.run.inclusive_unpriced_attempts == 2
    assert run_inclusive_cost(planner.run).startswith("≥")
    assert researcher.run.inclusive_unpriced_attempts == 1
