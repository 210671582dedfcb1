"""What no span has, and what happens when a client changes inside."""

from __future__ import annotations

import ast
import functools
import importlib
import importlib.util
import json
import pkgutil
import re
from pathlib import Path

import pytest
from opentelemetry.sdk.trace import TracerProvider
from tests.sdk.instrumentors.behaviours import (
    behaviour,
    one,
)
from tests.sdk.instrumentors.conftest import Desk
from tests.sdk.instrumentors.contract import (
    SECRET_ANSWER,
    SECRET_PROMPT,
    ClientCases,
    Mode,
    Operation,
    perform,
)

import spanledger
from spanledger import semconv
from spanledger._calls.capture import CAPTURE, VARIABLE
from spanledger._patches import registry


@behaviour(each=False)
async def test_no_content_is_captured(
    cases: ClientCases,
    operation: Operation,
    mode: Mode,
    desk: Desk,
) -> None:
    """Neither prompt nor answer is anywhere on the span."""
    desk.provider.enqueue(operation.answer)
    await perform(operation, desk.make(cases, mode), mode)
    span, _ = one(desk.spans)
    told = span.to_json()
    assert SECRET_PROMPT not in told
    assert SECRET_ANSWER not in told
    assert "secret" not in told


@pytest.fixture(name="asks_for_content")
def _asks_for_content(
    desk: Desk, tracer_provider: TracerProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The variable is read when the clients are instrumented."""
    monkeypatch.setattr(CAPTURE, "on", CAPTURE.on)  # as it was, afterwards
    monkeypatch.setenv(VARIABLE, "SPAN_ONLY")
    registry.instrument(tracer_provider=tracer_provider)


@behaviour(each=False)
async def test_content_is_captured_when_it_is_asked_for(
    cases: ClientCases, operation: Operation, mode: Mode, desk: Desk, asks_for_content: None
) -> None:
    """By the standard variable, in the conventions' form: prompt and answer, each once."""
    desk.provider.enqueue(operation.answer)
    await perform(operation, desk.make(cases, mode), mode)
    _, attributes = one(desk.spans)
    [asked] = json.loads(attributes[semconv.INPUT_MESSAGES])
    [said] = json.loads(attributes[semconv.OUTPUT_MESSAGES])
    assert asked["role"] == "user"
    assert [part["content"] for part in asked["parts"]] == [SECRET_PROMPT]
    assert said["role"] == "assistant"
    assert [part["content"] for part in said["parts"]] == [SECRET_ANSWER]


_PRIVATE = re.compile(r"_[a-z]\w*")


@functools.cache
def _readers_of_private_names() -> dict[str, set[str]]:
    """Module of ours -> the private names that it looks up with ``getattr``."""
    found: dict[str, set[str]] = {}
    for module in pkgutil.walk_packages(spanledger.__path__, "spanledger."):
        spec = importlib.util.find_spec(module.name)
        source = Path(str(spec.origin)).read_text(encoding="utf-8") if spec else ""
        names = {
            node.args[1].value
            for node in ast.walk(ast.parse(source))
            if isinstance(node, ast.Call)
            and getattr(node.func, "id", "") in ("getattr", "hasattr")
            and isinstance(node.args[1], ast.Constant)
            and _PRIVATE.fullmatch(str(node.args[1].value))
        }
        if names:
            found[module.name] = {str(name) for name in names}
    return found


def test_private_names_of_clients_are_few_and_known() -> None:
    """Whoever adds one sees that the contract hides it below."""
    found = {name for names in _readers_of_private_names().values() for name in names}
    assert found == {
        "_client",
        "_base_url",
        "_api_client",
        "_hidden_params",
        "_get_ls_params",  # of LangChain's models; without it, a class variable says the model
        "_self_sink",
        "_self_enabled",
        "_self_begun",
        "_active_span_processor",  # of OpenTelemetry's provider; without it, records go with spans
    }


@behaviour(each=False)
async def test_a_private_name_that_moved_is_less_told(
    cases: ClientCases,
    operation: Operation,
    mode: Mode,
    desk: Desk,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """No private attribute of the client is where we look for it: the call and its usage are told.

    It is hidden from us alone; the client itself goes on with it.
    """

    def moved(owner: object, name: str, *default: object) -> object:
        if _PRIVATE.fullmatch(name) and not type(owner).__module__.startswith("spanledger"):
            name = f"{name}_moved"
        return getattr(owner, name, *default)

    for module in _readers_of_private_names():
        monkeypatch.setattr(importlib.import_module(module), "getattr", moved, raising=False)
    desk.provider.enqueue(operation.answer)
    await perform(operation, desk.make(cases, mode), mode)
    span, attributes = one(desk.spans)
    assert span.name == operation.span_name
    assert attributes[semconv.USAGE_SOURCE] in ("provider", "estimated")
    assert attributes[semconv.USAGE_INPUT_TOKENS] > 0
    assert attributes[semconv.SERVER_ADDRESS] in ("127.0.0.1", "localhost")
