"""A way to the simulated provider that no client of ours sees, as an integration may have one."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Awaitable, Callable, Sequence
from decimal import Decimal
from typing import Any, Final

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from tests.sdk.frameworks.conftest import Desk
from tests.sdk.frameworks.contract import MODEL, Tree, attributes

from spanledger import semconv
from spanledger._budgets import budgeting
from spanledger.budgets import budget
from spanledger.errors import BudgetExceededError
from spanledger_collector.demo.provider import Answer

#: What is asked past the clients and answered.
CACHED: Final = Answer(text="told", input_tokens=1000, output_tokens=70, cache_read_tokens=400)


def ask(url: str, messages: Sequence[dict[str, str]]) -> Any:
    """One chat completion."""
    body = json.dumps({"model": MODEL, "messages": [*messages]}).encode()
    asked = urllib.request.Request(
        f"{url}/v1/chat/completions", body, {"content-type": "application/json"}
    )
    with urllib.request.urlopen(asked, timeout=60) as answer:
        return json.load(answer)


def said(text: str) -> list[dict[str, str]]:
    """The messages of one question."""
    return [{"role": "user", "content": text}]


def check_told(span: ReadableSpan) -> dict[str, Any]:
    """What the framework knows of a ``CACHED`` answer is told; gives the span's attributes."""
    told = attributes(span)
    assert span.name == f"chat {MODEL}"
    assert told[semconv.USAGE_SOURCE] == "provider"
    assert told[semconv.USAGE_INPUT_TOKENS] == CACHED.input_tokens
    assert told[semconv.USAGE_OUTPUT_TOKENS] == CACHED.output_tokens
    return told


#: A cent a token of output, nothing for input: ``CACHED`` costs 70 cents.
RATES: Final = {MODEL: {"input": 0, "output": 10_000}}


async def check_budget(
    desk: Desk,
    ask_model: Callable[[], Awaitable[Any]],
    error: type[Exception] = BudgetExceededError,
) -> None:
    """The first call is counted when it was answered; the next is refused before it is sent."""
    desk.script.turns = (CACHED,)
    budgeting.use_rates(RATES)
    try:
        with budget(41, name="small", mode="raise") as one:  # 4096 tokens are 40.96
            await ask_model()
            assert one.state().spent_usd == Decimal("0.7")
            with pytest.raises(BudgetExceededError):  # up to 4096 tokens
                await ask_model()
            state = one.state()
    finally:
        budgeting.use_rates({})
    assert len(desk.provider.requests) == 1
    assert (state.spent_usd, state.reserved_usd) == (Decimal("0.7"), 0)
    answered, *refused = Tree(desk.spans()).calls()
    assert semconv.BUDGET_NAME not in check_told(answered)
    assert refused
    for told in map(attributes, refused):
        assert told[semconv.BUDGET_EXCEEDED] == "refused"
        assert told[semconv.USAGE_SOURCE] == "none"
        assert told[semconv.ERROR_TYPE] == "BudgetExceededError"
