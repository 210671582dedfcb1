"""Rates of the calls, and the time of the accounts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timezone

import pytest
from tests.sdk.budgets.calls import CENT

from spanledger._budgets import budgeting
from spanledger._budgets.accounts import CLOCK


@pytest.fixture(autouse=True)
def _rates() -> Iterator[None]:
    budgeting.use_rates({"cent": CENT})
    yield
    budgeting.use_rates({})
    budgeting.OWN.told.clear()


@pytest.fixture(name="clock")
def _clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time of the accounts: its last entry."""
    times = [datetime(2026, 11, 27, 23, 59, tzinfo=timezone.utc).timestamp()]
    monkeypatch.setattr(CLOCK, "now_seconds", lambda: times[-1])
    return times
