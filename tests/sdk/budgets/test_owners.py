"""Whose money a budget is: runs, agents, tenants; and what makes room for new ones."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from tests.sdk.budgets.calls import ask, cents, spend

import spanledger
from spanledger import budgets, semconv
from spanledger._budgets.accounts import reserve
from spanledger._work import scope
from spanledger._work.scope import otel_context, with_entries
from spanledger.budgets import RUN_IDLE_SECONDS, budget
from spanledger.errors import BudgetExceededError


def test_a_run_spends_with_the_runs_it_calls() -> None:
    one = budget("0.10", per="run", mode="raise")

    @spanledger.agent(budget=one)
    def outer(tokens: int) -> Decimal:
        with spanledger.agent("inner"):
            spend(tokens)
        spend(tokens)
        return one.state().spent_usd

    assert outer(2) == Decimal("0.04")
    assert outer(3) == Decimal("0.06")  # a run of its own
    with pytest.raises(BudgetExceededError):
        outer(9)


def test_a_budget_around_gives_each_run_its_own_money() -> None:
    with budget("0.10", per="run", mode="raise") as one:
        for _ in range(3):
            with spanledger.agent("a"):
                spend(8)
                run_id = str(spanledger.current_run_id())
            assert one.state(run_id).spent_usd == Decimal("0.08")


def test_put_on_inside_a_run_it_is_of_the_runs_that_it_is_put_on() -> None:
    """As docs/budgets.md says: of an inner agent each, of a tool or a block the one around."""
    one = budget("0.10", per="run", mode="raise")

    @spanledger.agent(budget=one)
    def inner() -> None:
        spend(8)

    @spanledger.tool(budget=one)
    def tool() -> None:
        spend(4)

    def block() -> None:
        with one:
            spend(4)

    with spanledger.agent("outer"):
        for _ in range(3):
            inner()
    for work in (tool, block):
        with spanledger.agent("outer"):
            work()
            work()
            with pytest.raises(BudgetExceededError):
                work()
            with spanledger.agent("between"):
                work()


def test_a_run_of_another_service_has_its_money_here() -> None:
    """Its id came by the baggage; the agents that it has here spend from it too."""
    context = with_entries(otel_context.get_current(), {semconv.RUN_ID: "far"})
    token = otel_context.attach(context)
    try:
        with budget("0.10", per="run", mode="raise") as one:
            spend(4)
            with spanledger.agent("near"):
                spend(4)
            assert cents(one.state("far").spent_usd) == 8
    finally:
        token.var.reset(token)


def test_calls_outside_any_run_and_trace_are_runs_of_their_own() -> None:
    with budget("0.10", per="run", mode="raise") as one:
        spend(8)
        spend(8)
        with pytest.raises(BudgetExceededError):
            ask(11)
        assert one.state().spent_usd == 0


def test_agents_and_tenants_spend_their_own() -> None:
    with budget(1, per="agent") as agents, budget(1, per="tenant") as tenants:
        with spanledger.agent("a", tenant="x"):
            spend(1)
            with spanledger.agent("b"):
                spend(2)
        with spanledger.agent("b", tenant="y"):
            spend(4)
        spend(8)
    assert [cents(agents.state(key).spent_usd) for key in ("a", "b", "")] == [1, 6, 8]
    assert [cents(tenants.state(key).spent_usd) for key in ("x", "y", "")] == [3, 4, 8]


def test_a_budget_in_force_twice_pays_once_and_nested_ones_all_pay() -> None:
    outer, inner = budget(1), budget("0.02", mode="raise")
    with outer, outer, inner:
        spend(1, limit=2)
        with pytest.raises(BudgetExceededError):
            spend(1, limit=2)
    assert cents(outer.state().spent_usd) == cents(inner.state().spent_usd) == 1
    assert outer.state().reserved_usd == 0
    assert ask(5) is None


def test_a_budget_follows_propagated_contexts() -> None:
    one = budget(1)
    with ThreadPoolExecutor(4) as pool:
        with one:
            work = spanledger.propagate_context(spend)
        list(pool.map(work, [1, 2, 3]))
    assert cents(one.state().spent_usd) == 6


def test_a_pool_without_a_context_is_outside_the_budgets_of_a_block() -> None:
    """As docs/budgets.md says: of these only the process's hold."""
    one, of_run = budget(1), budget(1, per="run")
    with ThreadPoolExecutor(1) as pool, one, spanledger.agent("planner", budget=of_run):
        assert list(pool.map(ask, [1, 2, 3])) == [None, None, None]  # nothing is reserved
        list(pool.map(spanledger.propagate_context(spend), [1]))
        assert cents(one.state().spent_usd) == cents(of_run.state().spent_usd) == 1


@pytest.fixture(name="few")
def _few(monkeypatch: pytest.MonkeyPatch) -> int:
    """Room for so many accounts."""
    monkeypatch.setattr(budgets, "MAX_ACCOUNTS", 4)
    return 4


def spend_as(one: budget, tenant: str, tokens: int) -> None:
    with one, spanledger.context(tenant=tenant):
        spend(tokens)


def test_a_tenant_never_has_its_money_twice_however_many_there_are(
    few: int, caplog: pytest.LogCaptureFixture
) -> None:
    """With no room left the others share one account and one limit; it is said, and counted."""
    one = budget("0.10", per="tenant", mode="raise")
    for number in range(few):
        spend_as(one, f"t{number}", 10)
    for number in range(5):
        spend_as(one, f"late{number}", 2)
    for tenant in ("late0", "new", "t0", f"t{few - 1}"):
        with pytest.raises(BudgetExceededError):
            spend_as(one, tenant, 1)
    assert len(one._accounts) == few
    assert one.overflowed == 7
    assert cents(one.state("anybody").spent_usd) == 10
    assert [r.message[:30] for r in caplog.records] == ["budget 'tenant' has 4 accounts"]


def test_what_makes_room_loses_nothing(few: int, clock: list[float]) -> None:
    """An account whose window is over, or on which nothing was spent."""
    one = budget("0.10", per="tenant", window="day", mode="raise")
    for number in range(few):
        spend_as(one, f"t{number}", 10)
    clock.append(clock[-1] + 3600)  # the next day
    for number in range(few):
        spend_as(one, f"u{number}", 10)
    assert (len(one._accounts), one.overflowed) == (few, 0)
    other = budget("0.10", per="tenant", mode="raise")
    for number in range(3 * few):
        other.state(f"looked at {number}")
    spend_as(other, "spends", 10)
    for number in range(3 * few):
        other.state(f"looked at {number}")
    assert (len(other._accounts), other.overflowed) == (few, 0)
    with pytest.raises(BudgetExceededError):
        spend_as(other, "spends", 1)


def test_a_run_that_goes_on_keeps_its_account(few: int, clock: list[float]) -> None:
    """Runs that are idle make room; one that code is in is found again, with what it spent."""
    one = budget("0.10", per="run", mode="raise")
    with one, spanledger.agent("long") as _:
        spend(6)
        run_id = scope.current_run_id(otel_context.get_current())
        assert run_id
        clock.append(clock[-1] + RUN_IDLE_SECONDS)
        for number in range(2 * few):
            made, _ = reserve([one.account(f"r{number}")], 0, [True], [False])
            assert made is not None
            made.settle(1)
            clock.append(clock[-1] + RUN_IDLE_SECONDS)
        assert run_id not in one._accounts
        assert cents(one.state(run_id).spent_usd) == 6
        spend(4)
        with pytest.raises(BudgetExceededError):
            spend(1)
    assert one.overflowed == 0


def test_a_call_that_waits_while_its_account_is_taken_out_pays_on_it(few: int) -> None:
    """The account was looked up, and had nothing spent: whoever looks next finds the same one."""
    one = budget("0.10", per="tenant")
    held = one.account("slow")
    for number in range(2 * few):
        one.account(str(number))
    assert "slow" not in one._accounts
    made, _ = reserve([held], 5, [True], [False])
    assert one.account("slow") is held
    assert made is not None
    made.settle(5)
    for number in range(2 * few):
        one.account(f"more {number}")
    assert one.account("slow") is held
