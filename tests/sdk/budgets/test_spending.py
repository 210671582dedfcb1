"""Budgets: money is set aside before it is spent, whoever asks, and however many at once."""

from __future__ import annotations

import asyncio
import pickle
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.sdk.budgets.calls import answer, ask, cents, spend

import spanledger
from spanledger._budgets.accounts import Account, Reservation, reserve
from spanledger.budgets import budget
from spanledger.errors import BudgetExceededError


def test_a_call_reserves_its_limit_and_pays_what_it_used() -> None:
    with budget("1.00", mode="raise") as one:
        hold = ask(60)
        assert (cents(one.state().reserved_usd), cents(one.state().left_usd)) == (60, 40)
        with pytest.raises(BudgetExceededError):
            ask(41)
        assert hold is not None
        hold.settle(answer(7), None, "provider")
        hold.settle(answer(7), None, "provider")
        state = one.state()
        assert (cents(state.spent_usd), state.reserved_usd) == (7, 0)
        ask(93)
        with pytest.raises(BudgetExceededError):
            ask(1)


def test_the_error_tells_everything_and_survives_a_process_boundary() -> None:
    with (
        budget("0.10", per="tenant", name="trial", mode="raise"),
        spanledger.context(tenant="acme"),
    ):
        spend(3)
        ask(4)
        with pytest.raises(BudgetExceededError) as caught:
            ask(5)
    told = caught.value
    for error in (told, pickle.loads(pickle.dumps(told))):  # noqa: S301 - our own error
        assert (error.budget, error.key) == ("trial", "acme")
        amounts = (error.limit_usd, error.spent_usd, error.reserved_usd, error.wanted_usd)
        assert amounts == tuple(map(Decimal, ("0.10", "0.03", "0.04", "0.05")))
        assert str(error) == (
            "budget 'trial' of 'acme': this call may cost $0.05, with $0.03 spent and $0.04 "
            "reserved of $0.1. Nothing was sent: raise the limit, or set a lower output limit"
        )


# --- many at once ---------------------------------------------------------------------------------
@pytest.mark.parametrize("callers", [64])
def test_threads_side_by_side_never_overspend(callers: int) -> None:
    """Each uses all it may: the sum is the limit to the cent, and no more."""
    one = budget("5.00", mode="raise")
    paid: list[int] = []
    begin = threading.Barrier(callers)

    def work(number: int) -> None:
        begin.wait()
        with one:
            for call in range(20):
                used = (number + call) % 7 + 1
                try:
                    hold = ask(used)
                except BudgetExceededError:
                    continue
                assert hold is not None
                time.sleep(0)
                paid.append(used)
                hold.settle(answer(used), None, "provider")

    with ThreadPoolExecutor(callers) as pool:
        list(pool.map(work, range(callers)))
    state = one.state()
    assert cents(state.spent_usd) == sum(paid) == 500
    assert (state.reserved_usd, state.left_usd) == (0, 0)


async def test_tasks_side_by_side_never_overspend() -> None:
    """64 tasks whose calls overlap; at no moment is more set aside and spent than there is."""
    with budget("3.00", mode="raise") as one:

        async def call(number: int) -> int:
            total = 0
            for _ in range(5):
                try:
                    hold = ask(5)
                except BudgetExceededError:
                    continue
                await asyncio.sleep(0)
                assert one.state().left_usd >= 0
                assert hold is not None
                hold.settle(answer(number % 5), None, "provider")
                total += number % 5
            return total

        spent = sum(await asyncio.gather(*(call(number) for number in range(64))))
        assert cents(one.state().spent_usd) == spent <= 300


@given(
    st.lists(st.integers(0, 60), min_size=1, max_size=3),
    st.lists(st.tuples(st.integers(0, 25), st.integers(0, 25), st.integers(0, 2)), max_size=40),
)
def test_what_is_settled_is_within_every_limit(
    limits: list[int], calls: list[tuple[int, int, int]]
) -> None:
    """Any order of beginning and ending, on several accounts at once: all or none reserve."""
    accounts = [Account(str(place), limit, None) for place, limit in enumerate(limits)]
    running: list[tuple[Reservation, int]] = []
    spent = 0
    for wanted, used, ends in calls:
        free = min(a.limit - a.spent - a.reserved for a in accounts)
        made, over = reserve(accounts, wanted, [True] * len(accounts), [False] * len(accounts))
        assert (made is None) == (wanted > free) == bool(over)
        if made is not None:
            running.append((made, min(used, wanted)))
        for _ in range(min(ends, len(running))):
            ended, cost = running.pop(0)
            ended.settle(cost)
            spent += cost
        assert {a.spent for a in accounts} == {spent}
        assert {a.reserved for a in accounts} == {sum(one.amount for one, _ in running)}
        assert all(a.spent + a.reserved <= a.limit for a in accounts)
