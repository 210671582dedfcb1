"""Budgets hold for models whose provider is asked past our clients, and their failures are told."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import Awaitable, Callable, Generator, Iterator
from decimal import Decimal
from typing import Any, cast
from urllib.error import HTTPError

import pytest
from agents import Agent as OpenAIAgent
from agents import RunConfig, Runner
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGeneration, ChatResult
from opentelemetry.trace import StatusCode
from pydantic_ai import Agent
from pydantic_ai.models.wrapper import WrapperModel
from smolagents.models import ChatMessage, MessageRole
from tests.sdk.frameworks.cases_langgraph import model as measured_model
from tests.sdk.frameworks.conftest import Desk
from tests.sdk.frameworks.contract import MODEL, attributes, check_all, prompt
from tests.sdk.frameworks.own_chat_models import Around, Chat, Streaming
from tests.sdk.frameworks.own_models import Own, Raw, Small
from tests.sdk.frameworks.transport import CACHED, RATES, check_budget

from spanledger import semconv
from spanledger._budgets import budgeting
from spanledger.budgets import budget
from spanledger.errors import BudgetExceededError
from spanledger_collector.demo.provider import Answer


async def _read(model: Streaming) -> None:
    async for _ in model.astream(prompt()):
        pass


def _of_langchain(desk: Desk, way: str) -> Callable[[], Awaitable[Any]]:
    model = Streaming(url=desk.provider.url)
    if way == "ainvoke":
        return lambda: model.ainvoke(prompt())
    if way == "astream":
        return lambda: _read(model)
    if way == "stream":
        return lambda: asyncio.to_thread(lambda: list(model.stream(prompt())))
    return lambda: asyncio.to_thread(model.invoke, prompt())


def _of_pydantic_ai(desk: Desk, way: str) -> Callable[[], Awaitable[Any]]:
    agent = Agent(WrapperModel(Own(desk.provider.url)), name="a")

    async def streamed() -> None:
        async with agent.run_stream(prompt()) as result:
            await result.get_output()

    return streamed if way == "stream" else lambda: agent.run(prompt())


def _of_smolagents(desk: Desk, way: str) -> Callable[[], Awaitable[Any]]:
    model = Small(desk.provider.url)
    asked = [ChatMessage(role=MessageRole.USER, content=prompt())]
    if way == "stream":
        return lambda: asyncio.to_thread(lambda: list(model.generate_stream(asked)))
    return lambda: asyncio.to_thread(model.generate, asked)


def _of_openai_agents(desk: Desk, _way: str) -> Callable[[], Awaitable[Any]]:
    agent = OpenAIAgent("a", model=Raw(desk.provider.url))
    return lambda: Runner.run(agent, prompt(), run_config=RunConfig(tracing_disabled=True))


_MODELS = {
    "openai_agents": (_of_openai_agents, ("run",)),
    "langchain": (_of_langchain, ("invoke", "ainvoke", "stream", "astream")),
    "pydantic_ai": (_of_pydantic_ai, ("run", "stream")),
    "smolagents": (_of_smolagents, ("run", "stream")),
}


@pytest.mark.parametrize(
    ("framework", "way"), [(name, way) for name, (_, ways) in _MODELS.items() for way in ways]
)
async def test_a_budget_holds_for_models_past_our_clients(
    framework: str, way: str, desk: Desk
) -> None:
    """Whatever is called."""
    make, _ = _MODELS[framework]
    await check_budget(desk, make(desk, way))


@pytest.fixture(name="rates")
def _rates() -> Iterator[None]:
    budgeting.use_rates(RATES)
    yield
    budgeting.use_rates({})


@pytest.mark.usefixtures("rates")
def test_a_limit_of_the_model_is_what_is_reserved(desk: Desk) -> None:
    """Of 70 cents left, 60 fit; what it took is counted, and then nothing is left."""
    desk.script.turns = (CACHED,)
    model = Limited(url=desk.provider.url)
    with budget("1.40", mode="raise") as one:
        model.invoke(prompt())
        model.invoke(prompt())
        with pytest.raises(BudgetExceededError):
            model.invoke(prompt())
        with pytest.raises(BudgetExceededError):  # of a class that was never asked
            Around(url="", others=[model]).invoke(prompt())
    assert one.state().spent_usd == Decimal("1.40")
    assert len(desk.provider.requests) == 2


class Limited(Chat):
    """A model that says how much it may generate."""

    max_tokens: int = 60


class Switching(Limited):
    """A model that asks by itself, or another."""

    other: Any = None

    def _generate(self, messages: list[BaseMessage], *args: Any, **more: Any) -> ChatResult:
        if self.other is None:
            return super()._generate(messages, *args, **more)
        message = self.other.invoke(messages)
        return ChatResult(generations=[ChatGeneration(message=message)])


@pytest.mark.usefixtures("rates")
def test_a_client_of_ours_reserves_and_pays_alone(desk: Desk) -> None:
    """Also inside a model that asked by itself before: there is room for 60 cents once."""
    desk.script.turns = (CACHED,)
    model = Switching(url=desk.provider.url)
    with budget("1.80", mode="raise") as one:
        model.invoke(prompt())
        model.other = measured_model(desk.endpoint).bind(max_tokens=60)
        model.invoke(prompt())
        spans = desk.spans()  # the client's call is settled in the background
        state = one.state()
    assert (state.spent_usd, state.reserved_usd) == (Decimal("1.40"), 0)
    assert len(spans) == len(desk.provider.requests) == 2
    check_all(spans, desk.script)


class Waiting(BaseChatModel):
    """Asks nobody, and answers 60 tokens once all callers have come."""

    model: str = MODEL
    max_tokens: int = 60
    crowd: Any

    @property
    def _llm_type(self) -> str:
        return "waiting"

    def _generate(self, *_args: Any, **_more: Any) -> ChatResult:
        self.crowd.come()
        usage = {"input_tokens": 5, "output_tokens": 60, "total_tokens": 65}
        message = AIMessage("said", usage_metadata=cast("UsageMetadata", usage))
        return ChatResult(generations=[ChatGeneration(message=message)])


class Crowd:
    """Callers of a model that was never asked before, none of which is answered before all came."""

    def __init__(self, size: int) -> None:
        self._all = threading.Barrier(size)
        self.sent: list[int] = []

    def come(self) -> None:
        """Be asked, and wait."""
        self.sent.append(1)
        self._all.wait(120)

    def ask(self, model: BaseChatModel, one: budget) -> None:
        """Ask, or be refused and wait."""
        with one:
            try:
                model.invoke(prompt())
            except BudgetExceededError:
                self._all.wait(120)


def ask_at_once(one: budget, **kind: Any) -> int:
    """How many of 64 callers were answered."""
    crowd = Crowd(64)
    model = Waiting(crowd=crowd, **kind)
    threads = [threading.Thread(target=crowd.ask, args=(model, one)) for _ in range(64)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(240)
    assert one.state().reserved_usd == 0
    return len(crowd.sent)


@pytest.mark.usefixtures("rates", "desk")
def test_first_calls_side_by_side_never_overspend() -> None:
    """64 callers before anybody was answered: each reserves the most, for nobody knows who pays."""
    one = budget("1.20", mode="raise")
    assert ask_at_once(one) == 2
    assert one.state().spent_usd == Decimal("1.20")


@pytest.mark.usefixtures("rates", "desk")
def test_of_first_calls_of_unknown_cost_one_is_let_through() -> None:
    """What nobody can tell may be known by the client inside; by the answer of one it is."""
    strict = budget(1, mode="raise", on_unknown="raise")
    assert ask_at_once(strict, model="nobody-knows-it") == 1
    assert strict.state().unknown_calls == 1
    with strict, pytest.raises(BudgetExceededError):
        Waiting(crowd=Crowd(1), model="nobody-knows-it").invoke(prompt())


class Within(Around):
    """A model that says how much the one may generate that it asks."""

    max_tokens: int = 60


@pytest.mark.usefixtures("rates")
def test_a_first_call_hands_over_what_it_reserved(desk: Desk) -> None:
    """To a client of ours, and to a model of the framework: there is room for 60 cents once."""
    desk.script.turns = (CACHED,)
    client = measured_model(desk.endpoint).bind(max_tokens=60)
    for model in (
        Switching(url=desk.provider.url, other=client),
        Within(url="", others=[Limited(url=desk.provider.url)]),
    ):
        with budget("0.80", mode="raise") as one:
            model.invoke(prompt())
            desk.spans()  # the client's call is settled in the background
            state = one.state()
        assert (state.spent_usd, state.reserved_usd) == (Decimal("0.70"), 0)
    assert len(desk.provider.requests) == 2


@pytest.mark.usefixtures("rates")
def test_a_failed_call_costs_nothing_and_is_told_of_a_model_that_goes_past(desk: Desk) -> None:
    """From the second on: before, nobody knows who tells it."""
    desk.script.turns = (CACHED,)
    model = Chat(url=desk.provider.url)
    with budget(100, mode="raise") as one:
        model.invoke(prompt())
        desk.provider.enqueue(Answer(status=400))
        with pytest.raises(HTTPError):
            model.invoke(prompt())
        state = one.state()
    assert (state.spent_usd, state.reserved_usd) == (Decimal("0.70"), 0)
    answered, failed = desk.spans()
    assert failed.status.status_code is StatusCode.ERROR
    told = attributes(failed)
    assert told[semconv.USAGE_SOURCE] == "missing"
    assert told[semconv.PROVIDER_NAME] == attributes(answered)[semconv.PROVIDER_NAME]
    assert failed.name == answered.name


@pytest.mark.usefixtures("rates")
async def test_a_stream_that_is_left_gives_back_what_it_reserved(desk: Desk) -> None:
    """Early, or before its first piece."""
    desk.script.turns = (CACHED,)
    model = Streaming(url=desk.provider.url)
    with budget(100, mode="raise") as one:
        list(model.stream(prompt()))
        stream = cast("Generator[Any]", model.stream(prompt()))
        next(stream)
        assert one.state().reserved_usd > 0
        stream.close()
        unread = model._stream([])
        assert one.state().reserved_usd > 0
        del unread
        gc.collect()
        state = one.state()
    assert (state.spent_usd, state.reserved_usd) == (Decimal("0.70"), 0)
    told = [attributes(span) for span in desk.spans()]
    assert [one[semconv.USAGE_SOURCE] for one in told] == ["provider", "missing"]
    assert told[1][semconv.USAGE_PARTIAL] is True
