"""Calls under a budget whose costs are counts of tokens."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from spanledger import semconv
from spanledger._budgets import in_force
from spanledger._budgets.budgeting import Hold, Request, take
from spanledger._calls.answer import Answer, Usage
from spanledger._work.scope import otel_context

#: A cent a token of output, nothing for input: costs are counts of tokens.
CENT = {"input": 0, "output": 10_000}


def ask(tokens: int | None = 10, model: str = "cent", **kwargs: Any) -> Hold | None:
    """A call of that output limit, in the current context."""
    here = otel_context.get_current()
    asked: dict[str, Any] = {semconv.PROVIDER_NAME: "openai"}
    if tokens is not None:
        asked[semconv.REQUEST_MAX_TOKENS] = tokens
    given: dict[str, Any] = {"messages": [{"role": "user", "content": "hi"}], **kwargs}
    request = Request(semconv.OPERATION_CHAT, ("messages",), given, asked, model)
    held = in_force.holdings(here)
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
