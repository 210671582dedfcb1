"""Budgets of days and months, of several processes; and what no budget can be."""

from __future__ import annotations

import os
import threading
import time
from datetime import datetime, timezone
from decimal import Context, Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.sdk.budgets.calls import answer, ask, cents, spend

import spanledger
from spanledger._budgets import budgeting
from spanledger._budgets.accounts import bounds
from spanledger.budgets import budget, usd
from spanledger.errors import BudgetExceededError, ConfigurationError


def test_a_day_starts_afresh_and_owes_nothing_of_yesterday(clock: list[float]) -> None:
    with budget("0.10", window="day", mode="raise") as one:
        spend(6)
        late = ask(4)
        with pytest.raises(BudgetExceededError):
            ask(1)
        clock.append(clock[-1] + 60)
        assert one.state().left_usd == Decimal("0.10")
        assert late is not None
        late.settle(answer(4), None, "provider")
        assert one.state().spent_usd == 0
        spend(10)


@pytest.mark.parametrize(
    ("window", "at", "start", "end"),
    [
        ("day", "2026-02-28T23:59:59", "2026-02-28", "2026-03-01"),
        ("month", "2026-12-31T23:59:59", "2026-12-01", "2027-01-01"),
        ("month", "2028-02-01T00:00:00", "2028-02-01", "2028-03-01"),
    ],
)
def test_windows_are_days_and_months_of_utc(window: Any, at: str, start: str, end: str) -> None:
    moment = datetime.fromisoformat(at).replace(tzinfo=timezone.utc)
    assert [f"{one:%Y-%m-%d}" for one in bounds(window, moment)] == [start, end]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:This process.*is multi-threaded:DeprecationWarning")
def test_a_fork_starts_with_nothing_reserved() -> None:
    """The calls that run are the parent's."""
    with budget("0.10", mode="raise") as one:
        spend(3)
        ask(7)
        reading, writing = os.pipe()
        child = os.fork()
        if not child:
            state = one.state()
            os.write(writing, f"{cents(state.spent_usd)} {cents(state.reserved_usd)}".encode())
            os._exit(0)
        os.waitpid(child, 0)
        assert os.read(reading, 100) == b"3 0"
        os.close(reading)
        os.close(writing)


def test_what_was_spent_elsewhere_counts_and_is_asked_in_the_background(
    clock: list[float],
) -> None:
    asked: list[tuple[str, datetime | None]] = []
    heard = threading.Event()
    elsewhere = Decimal("0.50")

    def spent(key: str, since: datetime | None) -> Decimal:
        asked.append((key, since))
        heard.set()
        return elsewhere

    one = budget("1.00", per="tenant", window="day", mode="raise", spent_usd=spent)
    with one, spanledger.context(tenant="acme"):
        spend(1)  # does not wait for the answer
        assert heard.wait(120)
        _until(lambda: cents(one.state().spent_usd) == 51)
        with pytest.raises(BudgetExceededError):
            ask(50)
        assert len(asked) == 1
        # What was settled here since the question before may be missing in the next answer.
        clock.append(clock[-1] + 1)
        spend(2)
        elsewhere = Decimal("0.60")
        clock.append(clock[-1] + 58)
        spend(4)
        assert len(asked) == 1
    assert asked == [("acme", datetime(2026, 11, 27, tzinfo=timezone.utc))]


def test_the_next_answer_replaces_the_last(clock: list[float]) -> None:
    answers = iter(["0.50", "0.52"])
    one = budget("9", spent_usd=lambda _key, _since: next(answers), refresh_seconds=5)
    with one:
        spend(1)
        _until(lambda: cents(one.state().spent_usd) == 51)
        spend(1)
        clock.append(clock[-1] + 5)
        spend(1)
        # 52 in the ledger, in which only what was spent before the first question is for sure.
        _until(lambda: cents(one.state().spent_usd) == 55)


@pytest.mark.parametrize(
    ("told", "spent"),
    [
        (100.123456789012345, "100.123456789013"),  # a sum of floats; rounded up
        (0.1 + 0.2, "0.300000000001"),
        (Decimal("1E-30"), "0.000000000001"),
        ("-5.000000000000", "0"),  # credits among the expenses
        (float("inf"), "1000000000000000"),
        ("1e2", "100"),
    ],
)
def test_any_amount_that_is_told_counts(told: Any, spent: str) -> None:
    """The last figure was 7 dollars; no answer may leave it standing that is a number."""
    answers = iter([7, told])
    one = budget(1, spent_usd=lambda _key, _since: next(answers), refresh_seconds=0)
    with one:
        ask(0)
        _until(lambda: one.state().spent_usd == 7)
        ask(0)
        _until(lambda: one.state().spent_usd == Decimal(spent))


def test_an_answer_that_cannot_be_read_is_told_at_every_refresh(
    clock: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    """Once a refresh for all accounts; the last figure stands, and nothing is left to await."""

    async def later() -> int:
        return 100

    def away() -> int:
        raise OSError("the ledger is away")

    asked: list[str] = []
    told: Any = None

    def spent(key: str, _since: datetime | None) -> Any:
        asked.append(key)
        return told() if callable(told) and key == "b" else told

    one = budget(9, per="tenant", spent_usd=spent, refresh_seconds=5)

    def refresh(*tenants: str) -> None:
        """The one thread has done with an account when it asks for the next."""
        clock.append(clock[-1] + 5)
        expected = [*asked, *tenants]
        for tenant in tenants:
            with one, spanledger.context(tenant=tenant):
                ask(0)
        _until(lambda: asked == expected)

    for answer_ in (None, float("nan"), "much", True, later, away):
        told = answer_
        refresh("b", "c", "last")
        assert cents(one.state("b").spent_usd) in (0, 25)
        told = "0.25"
        refresh("b", "last")
        assert cents(one.state("b").spent_usd) == 25
    lines = [record.message for record in caplog.records if "spent_usd" in record.message]
    assert [line.partition(" for 'b'")[0].rpartition("spent_usd ")[2] for line in lines] == [
        "gave None", "gave nan", "gave 'much'", "gave True", "gave something to await",
        "raised OSError('the ledger is away')",
    ]  # fmt: skip
    assert "2 further accounts" in lines[1]


def _until(done: Any) -> None:
    deadline = time.monotonic() + 120
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.001)


@pytest.mark.parametrize(
    "given", [{"output": 1}, {"input": -1}, {"input": "x"}, {"input": 1, "in": 1}]
)
def test_rates_that_cannot_be_used_name_the_model(given: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="'mine'"):
        budgeting.use_rates({"mine": given})


@given(st.integers(-(10**33), 10**33))
def test_amounts_are_exact(atto: int) -> None:
    text = f"{usd(atto):f}"
    assert Decimal(text) == usd(atto)
    assert int(Decimal(text).scaleb(18, context=_WIDE)) == atto
    assert atto == 0 or not text.endswith(".")


_WIDE = Context(prec=60)
