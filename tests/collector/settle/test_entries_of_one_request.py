"""Entries of one asset that came in one request: the one that was told later is the newer one."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from spanledger_collector.query import DirectReader, Ledger
from spanledger_collector.store import Store

from . import scene
from .booked import books_of, entered, ran, settled


def _plan(number: int, told_at: int, asset: str, units: int, *, agent: str, at: int) -> scene.Row:
    """The span with this id; told so many seconds after the start, where that is not when it is."""
    plan: dict[str, Any] = {"id": asset, "expected_units": units, "agent__name": agent}
    row = entered(number, 1, "plan", method="x", unit="execution", **plan)
    started = scene.moment(scene.START + timedelta(seconds=at))
    said = scene.moment(scene.START + timedelta(seconds=told_at)).replace(" ", "T") + "Z"
    attributes = row["attributes"] | (
        {} if told_at == at else {"spanledger.record.recorded_at": said}
    )
    return row | {"started_at": started, "ended_at": started, "attributes": attributes}


@pytest.mark.parametrize(
    ("asset", "dates"),
    [("told", (100, 50)), ("dated", (10, 300)), ("same day", (10, 10))],
)
def test_the_later_plan_counts(store: Store, asset: str, dates: tuple[int, int]) -> None:
    """Of ids the other way around; by their own dates, and where these are given beside them."""
    later, earlier = dates
    with store.connect() as connection:
        settled(
            store, connection,
            [
                entered(9, 0, "cost", amount="40", kind="training", id=asset),
                _plan(1, 100, asset, 20, agent="b", at=later),
                _plan(2, 50, asset, 10, agent="a", at=earlier),
            ],
            [*ran(1, 2, "a"), *ran(2, 2, "b"), *ran(3, 2, "b")],
        )  # fmt: skip
        books = books_of(connection, asset)
    assert (books["expected_units"], books["agent_name"], books["estimates"]) == (20, "b", 2)
    assert (books["charged_units"], books["charged_usd"]) == (2, 4)
    with Ledger(DirectReader(store)) as ledger:
        (found,) = ledger.break_even()
        assert (found.agent_name, found.runs) == ("b", 2)
        periods = ledger.query("asset_periods", asset_id=asset)
        assert [row["agent_name"] for row in periods if row["what"] == "in_force"] == ["a", "b"]
        told = [entry.expected_units for entry in ledger.asset_entries(asset)]
        assert told == [None, 10, 20]
