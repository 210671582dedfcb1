"""What a budget cannot be made of, and what is no budget where one is put on."""

from __future__ import annotations

import asyncio
import functools
from typing import Any

import pytest
from tests.sdk.budgets.calls import cents, spend

import spanledger
from spanledger.budgets import budget
from spanledger.errors import ConfigurationError


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
        ({"limit_usd": 1, "assumed_output_tokens": "x"}, "assumed_output_tokens='x'"),
        ({"limit_usd": 1, "assumed_output_tokens": 1.5}, "assumed_output_tokens=1.5"),
        ({"limit_usd": 1, "assumed_output_tokens": True}, "assumed_output_tokens=True"),
        ({"limit_usd": 1, "refresh_seconds": float("nan")}, "refresh_seconds=nan"),
        ({"limit_usd": 1, "refresh_seconds": -1}, "refresh_seconds=-1"),
        ({"limit_usd": 1, "refresh_seconds": "x"}, "refresh_seconds='x'"),
        ({"limit_usd": 1, "refresh_seconds": None}, "refresh_seconds=None"),
        ({"limit_usd": 1, "spent_usd": "x"}, "spent_usd='x' cannot be called"),
    ],
)
def test_arguments_that_cannot_be_used_are_named(arguments: dict[str, Any], named: str) -> None:
    with pytest.raises(ConfigurationError, match=named):
        budget(**arguments)


class Asks:
    """Called, it has to be awaited."""

    async def __call__(self, *_given: object) -> int:
        return 100


async def _asks(*_given: object) -> int:
    return 100


async def _gives(*_given: object) -> Any:
    yield 100


@pytest.mark.parametrize("name", ["mode", "spent_usd"])
@pytest.mark.parametrize("given", [_asks, functools.partial(_asks, 1), Asks(), _gives])
def test_what_has_to_be_awaited_is_refused(name: str, given: Any) -> None:
    with pytest.raises(ConfigurationError, match=rf"{name}=.*would not be awaited"):
        budget(1, **{name: given})


@pytest.mark.parametrize("kind", ["agent", "workflow", "task", "tool"])
def test_what_is_no_budget_is_refused_where_it_is_put_on(kind: str) -> None:
    """When the function is decorated: in a call it would lift every limit, and hide the run."""
    decorator = getattr(spanledger, kind)
    for given in (0.5, "0.50", [budget(1)], (budget(1),), budget):
        with pytest.raises(ConfigurationError, match=r"budget=.*give one spanledger\.budget"):
            decorator(budget=given)


def test_a_budget_beside_the_function_itself_holds() -> None:
    one = budget(1)
    agent: Any = spanledger.agent
    agent(lambda: spend(3), budget=one)()
    assert cents(one.state().spent_usd) == 3
