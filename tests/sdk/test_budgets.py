"""Budgets: money is set aside before it is spent, whoever asks, and however many at once."""

from __future__ import annotations

import asyncio
import json
import os
import pickle
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from decimal import Context, Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import spanledger
from spanledger import _budgeting, _in_force, _scope, _tokens, budgets, rates, semconv
from spanledger._accounts import CLOCK, Account, Reservation, bounds, reserve
from spanledger._answer import Answer, Usage
from spanledger._budgeting import Hold, Request, take
from spanledger._scope import otel_context, with_entries
from spanledger._settled_cost import settled_cost
from spanledger._upper_cost import input_tokens, upper_cost
from spanledger.budgets import RUN_IDLE_SECONDS, budget, usd
from spanledger.errors import BudgetExceededError, ConfigurationError

#: A cent a token of output, nothing for input: costs are counts of tokens.
CENT = {"input": 0, "output": 10_000}


@pytest.fixture(autouse=True)
def _rates() -> Iterator[None]:
    _budgeting.use_rates({"cent": CENT})
    yield
    _budgeting.use_rates({})
    _budgeting.OWN.told.clear()


@pytest.fixture(name="clock")
def _clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time of the accounts: its last entry."""
    times = [datetime(2026, 11, 27, 23, 59, tzinfo=timezone.utc).timestamp()]
    monkeypatch.setattr(CLOCK, "now_seconds", lambda: times[-1])
    return times


def ask(tokens: int | None = 10, model: str = "cent", **kwargs: Any) -> Hold | None:
    """A call of that output limit, in the current context."""
    here = otel_context.get_current()
    asked: dict[str, Any] = {semconv.PROVIDER_NAME: "openai"}
    if tokens is not None:
        asked[semconv.REQUEST_MAX_TOKENS] = tokens
    given: dict[str, Any] = {"messages": [{"role": "user", "content": "hi"}], **kwargs}
    request = Request(semconv.OPERATION_CHAT, ("messages",), given, asked, model)
    held = _in_force.holdings(here)
    return take(request, held, here, lambda _attributes, _error: None) if held else None


def answer(tokens: int) -> Answer:
    return Answer(usage=Usage(5, tokens))


def spend(tokens: int, limit: int | None = None) -> None:
    """One whole call; it uses all it may, unless a limit is given."""
    hold = ask(tokens if limit is None else limit)
    assert hold is not None
    hold.settle(answer(tokens), None, "provider")


def cents(amount: Decimal) -> int:
    return int(amount * 100)


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


# --- whose money it is ----------------------------------------------------------------------------
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
        run_id = _scope.current_run_id(otel_context.get_current())
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


# --- modes ----------------------------------------------------------------------------------------
def test_warn_lets_through_and_says_so_once(caplog: pytest.LogCaptureFixture) -> None:
    with budget("0.05", name="soft") as one:
        for _ in range(3):
            spend(4)
    assert cents(one.state().spent_usd) == 12
    [record] = [record for record in caplog.records if "soft" in record.message]
    assert "The call goes on: this budget only warns" in record.message


def test_a_function_decides() -> None:
    told: list[BudgetExceededError] = []

    class StopError(Exception):
        """The user's own."""

    def decide(error: BudgetExceededError) -> None:
        told.append(error)
        if error.wanted_usd == Decimal("0.09"):
            raise StopError

    with budget("0.05", mode=decide) as one:
        spend(6)
        with pytest.raises(StopError):
            ask(9)
        assert (len(told), one.state().reserved_usd) == (2, Decimal(0))
        spend(1, limit=1)
    assert cents(one.state().spent_usd) == 7


def test_one_that_raises_comes_before_the_functions_of_others() -> None:
    called: list[object] = []
    with budget(0, mode=called.append), budget(0, mode="raise"), pytest.raises(BudgetExceededError):
        ask(1)
    assert called == []


def test_a_model_without_rates_is_not_free(caplog: pytest.LogCaptureFixture) -> None:
    """It is let through with one warning and counted apart, or refused where that was asked."""
    with budget(1, mode="raise") as one:
        for _ in range(2):
            hold = ask(5, "nobody-knows-it")
            assert hold is not None
            hold.settle(answer(5), None, "provider")
        state = one.state()
        assert (state.spent_usd, state.unknown_calls) == (0, 2)
    assert sum("init(rates=...)" in record.message for record in caplog.records) == 1
    strict = budget(1, on_unknown="raise")
    with strict, pytest.raises(BudgetExceededError, match="nobody can tell") as caught:
        ask(5, "nobody-knows-it")
    assert caught.value.wanted_usd is None


def test_a_cost_that_the_provider_tells_counts_where_there_are_no_rates() -> None:
    with budget(1) as one:
        hold = ask(5, "nobody-knows-it")
        assert hold is not None
        hold.settle(Answer(usage=Usage(1, 1, cost_usd=0.25)), None, "provider")
    assert one.state().spent_usd == Decimal("0.25")


# --- how calls end --------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("error", "source", "paid"),
    [
        (None, "none", 0),  # no provider was asked
        (None, "missing", 10),  # answered later, or unreadable: at most this
        (RuntimeError(), "missing", 0),
        (asyncio.CancelledError(), "missing", 0),
        (None, "estimated", 4),
        (RuntimeError(), "estimated", 4),  # a stream that broke
    ],
)
def test_what_an_ended_call_pays(error: BaseException | None, source: str, paid: int) -> None:
    with budget(1) as one:
        hold = ask(10)
        assert hold is not None
        hold.settle(answer(4), error, source)
    assert cents(one.state().spent_usd) == paid
    assert one.state().reserved_usd == 0


def test_what_was_sent_and_cancelled_pays_for_its_input() -> None:
    """The provider has read it, and nobody says what it bills."""
    _budgeting.use_rates({"in": {"input": 10_000, "output": 10_000}})
    with budget(100) as one:
        for error, paid in (
            (asyncio.CancelledError(), True),
            (TimeoutError(), True),
            (OSError(), False),
        ):
            before = one.state().spent_usd
            hold = ask(10, "in")
            assert hold is not None
            wanted = one.state().reserved_usd
            hold.settle(Answer(), error, "missing")
            added = one.state().spent_usd - before
            assert added == (wanted - Decimal("0.10") if paid else 0)


def test_without_an_output_limit_the_assumed_one_is_reserved() -> None:
    with budget(100, assumed_output_tokens=300), budget(100, assumed_output_tokens=20) as one:
        ask(None)
        assert cents(one.state().reserved_usd) == 300


@pytest.mark.parametrize("model", ["gpt-4o", "claude-sonnet-4-5", "gemini-2.5-pro", "my-llama"])
def test_the_reserved_input_is_above_what_is_counted(model: str) -> None:
    """Of prose, code, tables and schemas, against the tokenizer's count for the model."""
    here = Path(__file__)
    texts = [path.read_text() for path in (here, here.parents[2] / "README.md")]
    texts += ["見積もりの上限を、送信の前に確保する。" * 50, "Оценка верхней границы. " * 50]
    texts.append(json.dumps([{"id": number, "price": number / 7} for number in range(300)]))
    for text in texts:
        messages = [{"role": "user", "content": [{"type": "text", "text": text}]}] * 3
        found, cached = input_tokens(("messages",), {"messages": messages}, model)
        assert found is not None
        assert found > _tokens.count(model, [text] * 3, messages=3).tokens
        assert not cached


def test_what_is_no_text_is_reserved_too() -> None:
    """Images count a fixed number, tools by their schemas, caches at the dearest rate."""

    def tokens(**kwargs: Any) -> tuple[int | None, bool]:
        return input_tokens(("messages", "tools"), kwargs, "gpt-4o")

    plain, _ = tokens(messages=[{"role": "user", "content": "hi"}])
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 10**6}}
    seen, _ = tokens(messages=[{"role": "user", "content": [image]}])
    called, _ = tokens(messages=[{"role": "user", "content": "hi"}], tools=[{"x": "y" * 4000}])
    assert plain is not None
    assert seen is not None
    assert called is not None
    assert plain < 50
    assert 5000 < seen < 6000
    assert 2000 < called - plain < 4000
    marked = {"type": "text", "text": "x", "cache_control": {"type": "ephemeral", "ttl": "1h"}}
    assert tokens(messages=[{"role": "user", "content": [marked]}])[1]
    assert tokens(messages=(message for message in ())) == (None, False)


def test_the_upper_cost_is_above_any_cost_it_may_become() -> None:
    """For the longest prompt and output: whatever is cached, written or read."""
    card = rates.shipped()
    models = ("claude-sonnet-4-5", "gpt-4o", "gemini-2.5-pro")
    for known in (card.of("", model) for model in models):
        assert known is not None
        for size in (10, 150_000, 900_000):
            upper = upper_cost(known, semconv.OPERATION_CHAT, size, 500, cached=True, tier="")
            assert upper is not None
            for read, short, hour in ((0, 0, 0), (size, 0, 0), (0, size, 0), (0, 0, size)):
                usage = Usage(size, 500, read, short, hour)
                cost = settled_cost(known, Answer(usage=usage))
                assert cost is not None
                assert cost <= upper[0]


# --- windows, forks, the ledger -------------------------------------------------------------------
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


def _until(done: Any) -> None:
    deadline = time.monotonic() + 120
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.001)


# --- what cannot be -------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"limit_usd": -1}, "limit_usd=-1"),
        ({"limit_usd": "much"}, "limit_usd='much'"),
        ({"limit_usd": 1, "per": "user"}, "per='user'"),
        ({"limit_usd": 1, "window": "year"}, "window='year'"),
        ({"limit_usd": 1, "mode": "stop"}, "mode='stop'"),
        ({"limit_usd": 1, "mode": asyncio.sleep}, "would not be awaited"),
        ({"limit_usd": 1, "on_unknown": "free"}, "on_unknown='free'"),
        ({"limit_usd": 1, "assumed_output_tokens": -1}, "assumed_output_tokens=-1"),
    ],
)
def test_arguments_that_cannot_be_used_are_named(arguments: dict[str, Any], named: str) -> None:
    with pytest.raises(ConfigurationError, match=named):
        budget(**arguments)


@pytest.mark.parametrize(
    "given", [{"output": 1}, {"input": -1}, {"input": "x"}, {"input": 1, "in": 1}]
)
def test_rates_that_cannot_be_used_name_the_model(given: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="'mine'"):
        _budgeting.use_rates({"mine": given})


@given(st.integers(-(10**33), 10**33))
def test_amounts_are_exact(atto: int) -> None:
    text = f"{usd(atto):f}"
    assert Decimal(text) == usd(atto)
    assert int(Decimal(text).scaleb(18, context=_WIDE)) == atto
    assert atto == 0 or not text.endswith(".")


_WIDE = Context(prec=60)
