"""Budgets hold for every client and every way to call it; 64 callers at once never overspend."""

from __future__ import annotations

import asyncio
import enum
import gc
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal
from typing import Any

import openai
import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from tests.sdk.instrumentors import cases_anthropic, cases_openai
from tests.sdk.instrumentors.behaviours import CASES
from tests.sdk.instrumentors.conftest import Desk
from tests.sdk.instrumentors.contract import ClientCases, Mode, Operation, perform

import spanledger
from spanledger import semconv
from spanledger._calls import draining
from spanledger._patches import registry
from spanledger.budgets import budget
from spanledger.errors import BudgetExceededError
from spanledger_collector.demo.provider import Answer

#: The first operation of each shape, of each client and mode.
_WAYS = [
    pytest.param(*row.values, id=f"{cases.name}-{row.values[1]}-{row.values[2]}")
    for cases in CASES
    for row in {(one.kind, one.values[2]): one for one in reversed([*cases.rows()])}.values()
]
SAID = Answer(text="said", input_tokens=10, output_tokens=20)
#: gpt-4o: 10 tokens at $2.50 and 20 at $10 a million.
SAID_COST = Decimal("0.000225")


def chat(client: Any, **kwargs: Any) -> Any:
    """One chat of at most 20 tokens."""
    messages = [{"role": "user", "content": "what is it?"}]
    given = {"model": "gpt-4o", "messages": messages, "max_tokens": 20, **kwargs}
    return client.chat.completions.create(**given)


@pytest.mark.parametrize(("cases", "operation", "mode"), _WAYS)
async def test_a_refused_call_sends_nothing_and_costs_nothing(
    cases: ClientCases, operation: Operation, mode: Mode, desk: Desk
) -> None:
    """The error reaches the caller as it is, once more at the next try; the span tells of it."""
    client = desk.make(cases, mode)
    before = len(desk.provider.requests)
    value: Any = None
    with budget(0, name="none left", mode="raise", on_unknown="raise") as one:
        for _ in range(2):
            with pytest.raises(BudgetExceededError):
                value = await perform(operation, client, mode)
    assert value is None
    assert len(desk.provider.requests) == before
    assert (one.state().spent_usd, one.state().reserved_usd) == (0, 0)
    told = [dict(span.attributes or {}) for span in desk.spans()]
    assert len(told) == 2
    for attributes in told:
        assert attributes[semconv.BUDGET_NAME] == "none left"
        assert attributes[semconv.BUDGET_EXCEEDED] == "refused"
        assert attributes[semconv.USAGE_SOURCE] == "none"
        assert attributes[semconv.ERROR_TYPE] == "BudgetExceededError"


class _Model(str, enum.Enum):
    """Models as many applications name them."""

    SMALL = "gpt-4o"


def test_a_model_may_be_a_member_of_an_enumeration(desk: Desk) -> None:
    """It is what it stands for: in the span, for its price, for the budget."""
    client = desk.make(cases_openai.CASES, "sync")
    desk.provider.enqueue(SAID)
    with budget("0.0003", mode="raise", on_unknown="raise") as one:
        chat(client, model=_Model.SMALL)
        with pytest.raises(BudgetExceededError):
            chat(client, model=_Model.SMALL)
    assert one.state().spent_usd == SAID_COST
    spans = desk.spans()
    assert {span.name for span in spans} == {"chat gpt-4o"}
    assert [(span.attributes or {})[semconv.REQUEST_MODEL] for span in spans] == ["gpt-4o"] * 2


@pytest.mark.parametrize(("cases", "operation", "mode"), _WAYS)
async def test_a_call_within_its_budget_pays_what_it_used(
    cases: ClientCases, operation: Operation, mode: Mode, desk: Desk
) -> None:
    """The span is as without a budget; nothing stays reserved; what has rates is paid for."""
    desk.provider.enqueue(operation.answer)
    client = desk.make(cases, mode)
    with budget(1000, mode="raise") as one:
        await perform(operation, client, mode)
    [span] = desk.spans()
    state = one.state()
    assert state.reserved_usd == 0
    assert (state.spent_usd > 0) != (state.unknown_calls > 0)
    assert semconv.BUDGET_NAME not in (span.attributes or {})


def test_what_is_paid_is_what_the_usage_costs(desk: Desk) -> None:
    """gpt-4o: 600 tokens at $2.50, 400 cached at $1.25, 70 at $10 a million."""
    client = desk.make(cases_openai.CASES, "sync")
    desk.provider.enqueue(cases_openai.ANSWER)
    with budget(10) as one:
        chat(client)
    assert one.state().spent_usd == Decimal("0.0027")


def test_64_threads_never_overspend(desk: Desk) -> None:
    """Real calls side by side: as many are sent as the limit pays for at their upper cost."""
    client = desk.make(cases_openai.CASES, "sync", max_retries=0)
    desk.provider.enqueue(*[SAID] * 400)
    one = budget("0.02", mode="raise")
    begin = threading.Barrier(64)
    refused: list[BudgetExceededError] = []

    def caller(_: int) -> None:
        begin.wait()
        with one:
            for _ in range(4):
                try:
                    chat(client)
                except BudgetExceededError as error:
                    refused.append(error)

    with ThreadPoolExecutor(64) as pool:
        list(pool.map(caller, range(64)))
    state = one.state()
    sent = len(desk.provider.requests)
    assert sent + len(refused) == 256
    assert sent > 50
    assert state.spent_usd == SAID_COST * sent <= Decimal("0.02")
    assert state.reserved_usd == 0
    assert all(e.spent_usd + e.reserved_usd <= e.limit_usd for e in refused)


def _seen(model: str, url: str) -> dict[str, Any]:
    image = {"type": "image_url", "image_url": {"url": url}}
    return {"model": model, "messages": [{"role": "user", "content": [image]}]}


@pytest.mark.parametrize(
    ("asked", "limit", "said"),
    [
        # 1105 and 25,501 tokens of an image, by OpenAI's guide.
        (_seen("gpt-4o", "https://example.com/a.png"), "0.02", Answer(input_tokens=1115)),
        (_seen("gpt-4o-mini", "data:image/png;base64,AA"), "0.02", Answer(input_tokens=25_511)),
    ],
)
def test_64_threads_never_overspend_on_images(
    asked: dict[str, Any], limit: str, said: Answer, desk: Desk
) -> None:
    """Wherever the image is, and however dear it is to the model; all of them are under way."""
    client = desk.make(cases_openai.CASES, "sync", max_retries=0)
    desk.provider.enqueue(*[replace(said, text="a cat", output_tokens=20)] * 64)
    one = budget(limit, mode="raise", on_unknown="raise")
    begin = threading.Barrier(64)

    def caller(_: int) -> int:
        begin.wait()
        with one:
            try:
                chat(client, **asked)
            except BudgetExceededError:
                return 1
        return 0

    with ThreadPoolExecutor(64) as pool:
        refused = sum(pool.map(caller, range(64)))
    sent = len(desk.provider.requests)
    assert sent + refused == 64
    assert sent > 1
    assert 0 < one.state().spent_usd <= Decimal(limit)


async def test_64_tasks_never_overspend(desk: Desk) -> None:
    client = desk.make(cases_openai.CASES, "async", max_retries=0)
    desk.provider.enqueue(*[SAID] * 400)

    async def caller() -> int:
        refused = 0
        for _ in range(4):
            try:
                await chat(client)
            except BudgetExceededError:
                refused += 1
        return refused

    with spanledger.agent("many", budget=budget("0.02", per="run", mode="raise")):
        refused = sum(await asyncio.gather(*(caller() for _ in range(64))))
    sent = len(desk.provider.requests)
    assert sent + refused == 256
    assert sent > 50
    assert SAID_COST * sent <= Decimal("0.02")


def test_a_forgotten_stream_pays_for_what_came(desk: Desk) -> None:
    """The garbage collector ends it; what was not generated is free again."""
    desk.provider.enqueue(Answer(text="word by word by word", input_tokens=10, output_tokens=20))
    client = desk.make(cases_openai.CASES, "sync")
    with budget(1) as one:
        stream = chat(client, stream=True, max_tokens=1000)
        next(iter(stream))
        assert one.state().reserved_usd > Decimal("0.01")
        del stream
        gc.collect()
        assert draining.drain(120)
    assert 0 < one.state().spent_usd < Decimal("0.001")
    assert one.state().reserved_usd == 0


@pytest.mark.parametrize("status", [400, 429, 500])
def test_a_call_that_failed_pays_nothing(desk: Desk, status: int) -> None:
    desk.provider.enqueue(Answer(status=status))
    client = desk.make(cases_openai.CASES, "sync", max_retries=0)
    with budget(1) as one, pytest.raises(Exception, match=str(status)):
        chat(client)
    assert (one.state().spent_usd, one.state().reserved_usd) == (0, 0)


async def test_a_cancelled_call_frees_its_output(desk: Desk) -> None:
    desk.provider.enqueue(Answer(hang=True))
    client = desk.make(cases_openai.CASES, "async", max_retries=0)
    with budget(1) as one:
        cancelled = asyncio.ensure_future(chat(client, max_tokens=10_000))
        await desk.asked(1)
        cancelled.cancel()
        with pytest.raises(asyncio.CancelledError):
            await cancelled
        assert 0 < one.state().spent_usd < Decimal("0.001")
        assert one.state().reserved_usd == 0


@pytest.mark.slow
def test_each_request_that_timed_out_pays_for_its_input(desk: Desk) -> None:
    """The client asks again by itself; what it sent before may be billed all the same."""
    client = desk.make(cases_openai.CASES, "sync", max_retries=1, timeout=2.0)
    with budget(1) as one:
        desk.provider.enqueue(Answer(hang=True), SAID)
        chat(client)
        lost = one.state().spent_usd - SAID_COST
        assert 0 < lost < SAID_COST
        desk.provider.enqueue(Answer(hang=True), Answer(hang=True))
        with pytest.raises(openai.APITimeoutError):
            chat(client)
        assert one.state().spent_usd == SAID_COST + 3 * lost
    assert one.state().reserved_usd == 0


def test_calls_that_are_not_sampled_count(desk: Desk) -> None:
    """Sampling chooses what is told, not what is spent."""
    provider = TracerProvider(sampler=ALWAYS_OFF, shutdown_on_exit=False)
    registry.uninstrument()
    registry.instrument(["openai"], tracer_provider=provider)
    desk.provider.enqueue(SAID)
    client = desk.make(cases_openai.CASES, "sync")
    with budget("0.0005", mode="raise") as one:
        chat(client)
        with pytest.raises(BudgetExceededError):
            chat(client, max_tokens=1000)
    assert one.state().spent_usd == SAID_COST
    assert desk.spans() == []


def test_the_helper_of_anthropic_is_asked_where_its_manager_is_entered(desk: Desk) -> None:
    """A budget belongs to who asked for the stream, whoever opens it."""
    client = desk.make(cases_anthropic.CASES, "sync")
    [operation] = [o for o in cases_anthropic.CASES.operations if o.name == "messages helper"]
    with budget(0, mode="raise"):
        manager = operation.call(client)
    with pytest.raises(BudgetExceededError), manager:
        pytest.fail("it was entered")
    assert desk.provider.requests == []


def test_a_call_that_a_function_refused_is_told_as_refused(desk: Desk) -> None:
    """Whatever the function raises: the span says why nothing was sent."""

    class NoMoneyError(Exception):
        """The user's own."""

    def refuse(_error: BudgetExceededError) -> None:
        raise NoMoneyError

    client = desk.make(cases_openai.CASES, "sync")
    with budget(0, mode=refuse), pytest.raises(NoMoneyError):
        chat(client)
    [span] = desk.spans()
    attributes = dict(span.attributes or {})
    assert attributes[semconv.ERROR_TYPE] == "BudgetExceededError"
    assert attributes[semconv.BUDGET_EXCEEDED] == "refused"
    assert desk.provider.requests == []


def test_a_warning_budget_changes_nothing_but_the_span(desk: Desk) -> None:
    desk.provider.enqueue(SAID)
    client = desk.make(cases_openai.CASES, "sync")
    with budget(0, name="soft", per="agent"), spanledger.agent("a"):
        assert chat(client).choices[0].message.content == "said"
    [attributes] = [
        dict(s.attributes or {}) for s in desk.spans() if s.kind is trace.SpanKind.CLIENT
    ]
    assert attributes[semconv.BUDGET_EXCEEDED] == "allowed"
    assert attributes[semconv.BUDGET_KEY] == "a"
    assert attributes[semconv.BUDGET_LIMIT_USD] == "0"
    assert Decimal(str(attributes[semconv.BUDGET_WANTED_USD])) > SAID_COST
    assert attributes[semconv.USAGE_SOURCE] == "provider"
