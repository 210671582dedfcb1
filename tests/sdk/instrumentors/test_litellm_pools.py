"""Batches of ``litellm`` that run in its own pool of threads belong to who asked for them."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from decimal import Decimal
from types import ModuleType
from typing import Any

import pytest
from opentelemetry.sdk.trace import TracerProvider
from tests.sdk.instrumentors.cases_litellm import CASES, MESSAGES, MODEL, library
from tests.sdk.instrumentors.conftest import Desk

import spanledger
from spanledger import semconv
from spanledger._patches import registry
from spanledger._patches.litellm_pools import POOLS, carry
from spanledger._patches.patching import PatchState
from spanledger._work.identity import IdentityProcessor
from spanledger.budgets import budget

_MODELS = [f"openai/{MODEL}", "openai/gpt-4o-mini"]


def _prompts(client: Any, **more: Any) -> Any:
    return client.batch_completion(model=_MODELS[0], messages=[MESSAGES, MESSAGES], **more)


def _first(client: Any, **more: Any) -> Any:
    return client.batch_completion_models(models=_MODELS, messages=MESSAGES, **more)


def _all(client: Any, **more: Any) -> Any:
    given = {"models": _MODELS, "messages": MESSAGES, **more}
    return client.batch_completion_models_all_responses(**given)


Batch = Callable[..., Any]
_BATCHES: tuple[Batch, ...] = (_prompts, _first, _all)
EACH = pytest.mark.parametrize("batch", _BATCHES)


@EACH
def test_the_calls_belong_to_the_run_and_the_tenant_of_the_caller(
    desk: Desk, tracer_provider: TracerProvider, batch: Batch
) -> None:
    """In its trace; each call of the pool is told once."""
    tracer_provider.add_span_processor(IdentityProcessor())
    client = desk.make(CASES, "sync")
    tracer = tracer_provider.get_tracer("user")
    with spanledger.agent("planner", tenant="acme"), tracer.start_as_current_span("user") as user:
        run = spanledger.current_run_id()
        batch(client)
    chats = [span for span in desk.spans() if span.name.startswith("chat ")]
    assert len(chats) == len(desk.provider.requests) == 2
    for chat in chats:
        told = dict(chat.attributes or {})
        assert chat.parent is not None
        assert chat.parent.span_id == user.get_span_context().span_id
        assert told[semconv.RUN_ID] == run
        assert told[semconv.AGENT_NAME] == "planner"
        assert told[semconv.TENANT_ID] == "acme"


@EACH
def test_the_budgets_of_the_caller_hold_for_them(desk: Desk, batch: Batch) -> None:
    """The library makes of a refusal what it makes of every error of a call; nothing is sent."""
    client = desk.make(CASES, "sync")
    one = budget(Decimal(0), per="run", mode="raise", on_unknown="raise")
    with spanledger.agent("planner", budget=one):
        try:
            batch(client)
        except spanledger.BudgetExceededError:
            assert batch is _first
    assert not desk.provider.requests
    refused = [dict(span.attributes or {}) for span in desk.spans() if "chat " in span.name]
    assert [told[semconv.BUDGET_EXCEEDED] for told in refused] == ["refused", "refused"]


def test_what_a_thread_is_given_is_the_librarys_own_otherwise(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Names are read and set through it, and it is gone when nothing is measured."""
    del desk
    library()
    module: Any = importlib.import_module(POOLS)
    litellm = library()
    assert isinstance(module.litellm, ModuleType)
    assert module.litellm.provider_list is litellm.provider_list
    monkeypatch.setattr(litellm, "num_retries", None)  # put back after the test
    carried: Any = module.litellm
    carried.num_retries = 7
    assert litellm.num_retries == 7
    registry.uninstrument(["litellm"])
    assert module.litellm is litellm
    registry.instrument(["litellm"])
    assert module.litellm is not litellm


def test_a_version_that_finds_the_function_otherwise_is_told_less_of() -> None:
    """Its calls are metered as before, and `doctor` says what is missing."""
    moved = registry.Hook(POOLS, lambda _module: carry(ModuleType(POOLS)))
    library()
    importlib.import_module(POOLS)
    moved.install()
    assert moved.state is PatchState.MISSING
    assert "litellm" in moved.detail
