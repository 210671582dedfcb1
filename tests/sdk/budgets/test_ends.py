"""What a budget does when there is no more, and what calls pay that end in any way."""

from __future__ import annotations

import asyncio
import gc
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.sdk.budgets.calls import answer, ask, cents, spend

from spanledger import rates, semconv
from spanledger._budgets import budgeting
from spanledger._budgets.settled_cost import settled_cost
from spanledger._budgets.upper_cost import input_tokens, upper_cost
from spanledger._calls import tokens as _tokens
from spanledger._calls.answer import Answer, Usage
from spanledger.budgets import budget
from spanledger.errors import BudgetExceededError


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


@pytest.mark.filterwarnings("error::pytest.PytestUnraisableExceptionWarning")
async def test_a_function_that_would_have_to_be_awaited_has_not_decided(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """So the call is refused: what it would say nobody waits for."""

    async def later(_error: BudgetExceededError) -> None:
        raise AssertionError

    def future(_error: BudgetExceededError) -> Any:
        return asyncio.get_running_loop().create_future()

    def coroutine(error: BudgetExceededError) -> Any:
        return later(error)

    for mode in (coroutine, future):
        with budget(0, name="slow", mode=mode) as one:
            with pytest.raises(BudgetExceededError) as caught:
                ask(1)
            assert caught.value.budget == "slow"
            assert one.state().reserved_usd == 0
    gc.collect()  # a coroutine that is left would warn here
    assert caplog.text.count("gave something to await") == 2


def test_a_function_that_asks_a_model_is_not_called_again_for_that() -> None:
    """Its calls are counted, and refused where another budget raises."""
    called: list[str] = []

    def decide(error: BudgetExceededError) -> None:
        called.append(error.budget)
        spend(2)

    first, second = budget(0, name="a", mode=decide), budget(0, name="b", mode=decide)
    with first, second:
        spend(1)
        # Of the call of a's function b is asked; of the call that b's makes then neither is.
        assert called == ["a", "b", "b", "a"]
        assert cents(first.state().spent_usd) == 1 + 2 * len(called)
        called.clear()
        with budget("0.01", name="c", mode="raise"), pytest.raises(BudgetExceededError) as caught:
            spend(1)
        assert (caught.value.budget, called) == ("c", ["a"])
        assert first.state().reserved_usd == 0


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
    budgeting.use_rates({"in": {"input": 10_000, "output": 10_000}})
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
    texts = [path.read_text() for path in (here, here.parents[3] / "README.md")]
    texts += ["見積もりの上限を、送信の前に確保する。" * 50, "Оценка верхней границы. " * 50]
    texts.append(json.dumps([{"id": number, "price": number / 7} for number in range(300)]))
    for text in texts:
        messages = [{"role": "user", "content": [{"type": "text", "text": text}]}] * 3
        found = input_tokens(("messages",), {"messages": messages}, model)
        assert found.tokens is not None
        assert found.tokens > _tokens.count(model, [text] * 3, messages=3).tokens
        assert not found.cached


def test_what_is_no_text_is_reserved_too() -> None:
    """Images by their model, tools by their schemas, caches at the dearest rate."""

    def tokens(**kwargs: Any) -> tuple[int | None, bool]:
        return input_tokens(("messages", "tools"), kwargs, "gpt-4o")[:2]

    plain, _ = tokens(messages=[{"role": "user", "content": "hi"}])
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 10**6}}
    seen, _ = tokens(messages=[{"role": "user", "content": [image]}])
    called, _ = tokens(messages=[{"role": "user", "content": "hi"}], tools=[{"x": "y" * 4000}])
    assert plain is not None
    assert seen is not None
    assert called is not None
    assert plain < 50
    assert 1850 < seen < 2000
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
